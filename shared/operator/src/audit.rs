//! `cargo run -- audit`: what `functions/audit-list` answers, asked on the command line.

use clap::Args;
use serde_json::{Value, json};
use store::Directory;

use crate::{rights, terminal};

/// What to ask.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// What happened to the user or the group of this id.
    #[arg(long, value_name = "ID", conflicts_with = "members_of")]
    resource: Option<String>,

    /// From this instant on, like 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "INSTANT", conflicts_with = "members_of")]
    from: Option<String>,

    /// Until this instant.
    #[arg(long, value_name = "INSTANT", conflicts_with = "members_of")]
    to: Option<String>,

    /// Who was in the group of this id.
    #[arg(long, value_name = "ID")]
    members_of: Option<String>,

    /// At this instant [default: now].
    #[arg(long, value_name = "INSTANT", requires = "members_of")]
    at: Option<String>,
}

impl Audit {
    /// Prints a line of JSON for each change, or the id of each member, and then where the trail begins.
    ///
    /// # Errors
    /// With a sentence.
    pub(crate) async fn answer(&self, directory: &'static Directory, tenant: &str) -> Result<(), String> {
        let mut question = json!({"tenant": tenant});
        for (name, value) in [
            ("resource", &self.resource),
            ("from", &self.from),
            ("to", &self.to),
            ("membersOf", &self.members_of),
            ("at", &self.at),
        ] {
            set(&mut question, name, value.as_deref());
        }
        loop {
            let work = edge::invoke_event(directory, audit_list::handle, question.clone(), None);
            let answer = rights::of("AuditList", work).await.map_err(|error| error.to_string())?;
            let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
            list("changes").for_each(|change| terminal::say(&change.to_string()));
            list("members").filter_map(Value::as_str).for_each(terminal::say);
            let text = |name: &str| answer.get(name).and_then(Value::as_str);
            // The members of a moment that has no name are those of the first answer's.
            set(&mut question, "at", text("at"));
            set(&mut question, "nextToken", text("nextToken"));
            if text("nextToken").is_none() {
                terminal::note(&about(&answer, text("trailBegins")));
                return Ok(());
            }
        }
    }
}

fn set(question: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(question), Some(value)) = (question.as_object_mut(), value) {
        question.insert(name.to_owned(), value.into());
    }
}

fn about(answer: &Value, begins: Option<&str>) -> String {
    let begins = begins.map_or("There is no record of any change".to_owned(), |at| format!("The trail begins at {at}"));
    match answer.get("complete").and_then(Value::as_bool) {
        Some(false) => format!("{begins}, which is too late: there may have been others."),
        _ => format!("{begins}."),
    }
}
