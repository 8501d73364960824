//! `audit`: the changes of a user or a group, and the members of a group at an instant.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use clap::Args;
use service::audit::{AuditPage, AuditQuery, AuditResult, query};
use store::Directory;

/// The options of the command.
#[derive(Debug, Args)]
pub struct Audit {
    /// Show the changes of the user or the group with this id.
    #[arg(long, value_name = "ID", conflicts_with = "members_of")]
    resource: Option<String>,

    /// Show changes from this instant on, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "INSTANT", conflicts_with = "members_of")]
    from: Option<String>,

    /// Show changes up to this instant.
    #[arg(long, value_name = "INSTANT", conflicts_with = "members_of")]
    to: Option<String>,

    /// Show the members of the group with this id instead of changes.
    #[arg(long, value_name = "ID")]
    members_of: Option<String>,

    /// Show the members at this instant [default: now].
    #[arg(long, value_name = "INSTANT", requires = "members_of")]
    at: Option<String>,
}

impl Audit {
    /// Writes each change as a line of JSON, or the id of each member. Returns a sentence that says how far back
    /// the records go.
    ///
    /// # Errors
    /// Invalid options, a group without any record, a store that does not respond, and output that cannot be
    /// written. A reader that closes the output early is no error.
    pub async fn run(&self, directory: &Directory, tenant: &str, output: &mut impl Write) -> Result<String> {
        let mut at = self.at.clone();
        let mut next_token = None;
        loop {
            let page = query(directory, self.query(tenant, at.take(), next_token.take())).await?;
            let written = write_page(&page, output);
            if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
                return Ok(summary(&page));
            }
            written.context("the output cannot be written")?;
            // Without `--at`, all pages show the instant that the first one has chosen.
            if let AuditResult::Members { at: instant, .. } = &page.result {
                at = Some(instant.clone());
            }
            match page.next_token {
                Some(token) => next_token = Some(token),
                None => return Ok(summary(&page)),
            }
        }
    }

    fn query(&self, tenant: &str, at: Option<String>, next_token: Option<String>) -> AuditQuery {
        AuditQuery {
            tenant: tenant.to_owned(),
            resource: self.resource.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            members_of: self.members_of.clone(),
            at,
            limit: None,
            next_token,
        }
    }
}

fn write_page(page: &AuditPage, output: &mut impl Write) -> io::Result<()> {
    match &page.result {
        AuditResult::Changes { changes, unreadable } => {
            for change in changes {
                serde_json::to_writer(&mut *output, change)?;
                writeln!(output)?;
            }
            for id in unreadable {
                writeln!(output, "{{\"unreadable\":\"{id}\"}}")?;
            }
        }
        AuditResult::Members { members, .. } => {
            for member in members {
                writeln!(output, "{member}")?;
            }
        }
    }
    Ok(())
}

fn summary(page: &AuditPage) -> String {
    let Some(begins) = &page.trail_begins else {
        return match page.result {
            AuditResult::Members { complete: false, .. } => {
                "There is no record of any change, so there may have been members that nothing shows.".to_owned()
            }
            _ => "There is no record of any change.".to_owned(),
        };
    };
    match page.result {
        AuditResult::Members { complete: false, .. } => {
            format!("The trail begins at {begins}, which is too late to be certain: there may have been other members.")
        }
        _ => format!("The trail begins at {begins}."),
    }
}
