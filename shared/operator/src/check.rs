//! `check`: checks whether the items of the table agree with each other, and repairs those that do not.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use service::check::{CheckQuery, check};
use store::Directory;

/// The time after which the findings so far are printed, before the check continues.
const ROUND: Duration = Duration::from_secs(5);

/// The options of the command.
#[derive(Debug, Args)]
pub struct CheckTable {
    /// Repair what is found.
    #[arg(long)]
    repair: bool,

    /// Check all tenants of the table, and not only the one of --tenant.
    #[arg(long)]
    all: bool,
}

/// The result of the command.
#[derive(Debug)]
pub struct CheckSummary {
    /// The result in sentences.
    pub text: String,
    /// Whether nothing is left to repair.
    pub is_clean: bool,
}

impl CheckTable {
    /// Writes each finding as a line of JSON.
    ///
    /// # Errors
    /// A store that does not respond, and output that cannot be written.
    pub async fn run(&self, directory: &Directory, tenant: &str, output: &mut impl Write) -> Result<CheckSummary> {
        let tenant = (!self.all).then(|| tenant.to_owned());
        let mut query = CheckQuery { tenant, repair: self.repair, next_token: None };
        let (mut items, mut found, mut left) = (0, 0, 0);
        let mut problems = BTreeMap::new();
        loop {
            let answer = check(directory, &query, Instant::now() + ROUND).await?;
            for finding in &answer.findings {
                let line = serde_json::to_string(finding).context("the output cannot be written")?;
                writeln!(output, "{line}").context("the output cannot be written")?;
                found += 1;
                left += usize::from(finding.outcome != "repaired");
            }
            items += answer.items;
            problems.extend(answer.problems);
            query.next_token = answer.next_token;
            if query.next_token.is_none() {
                break;
            }
        }
        let mut text = match (found, left) {
            (0, _) => format!("{items} items were checked. All agree."),
            (_, 0) => format!("{items} items were checked. {found} problems were found and repaired."),
            _ => format!("{items} items were checked. {found} problems were found, of which {left} are left."),
        };
        for (problem, description) in problems {
            text.push_str(&format!("\n{problem}: {description}"));
        }
        Ok(CheckSummary { text, is_clean: left == 0 })
    }
}
