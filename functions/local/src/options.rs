//! The command line of `cargo run`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use operator::{Audit, CheckTable};
use protocol::Tenant;

/// Runs SCIM on Lambda on this machine: every function behind a local API gateway, over an embedded DynamoDB.
#[derive(Debug, Parser)]
#[command(name = "local", version, arg_required_else_help = false)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The port on 127.0.0.1; 0 chooses a free one.
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,

    /// The file that keeps the directory between runs [default: a file in your data directory].
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["memory", "dynamodb_endpoint"])]
    pub(crate) data: Option<PathBuf>,

    /// Keep the directory in memory only.
    #[arg(long, global = true, conflicts_with = "dynamodb_endpoint")]
    pub(crate) memory: bool,

    /// Use DynamoDB Local or AWS instead of the embedded DynamoDB.
    #[arg(long, global = true, value_name = "URL", value_parser = url)]
    pub(crate) dynamodb_endpoint: Option<String>,

    /// The name of the DynamoDB table.
    #[arg(long, global = true, value_name = "NAME", default_value = "scim")]
    pub(crate) table: String,

    /// The tenant of the printed token.
    #[arg(long, global = true, value_name = "NAME", default_value = "dev", value_parser = tenant)]
    pub(crate) tenant: String,

    /// The dialect of the printed token: `lenient` accepts what identity providers send, `strict` only what the
    /// RFCs allow, and `interop` what the interoperability profile leaves of them.
    #[arg(long, value_name = "NAME", default_value = "lenient", value_parser = schema::Dialect::NAMES)]
    pub(crate) dialect: String,

    /// Also print the log lines of the functions on standard error, as in CloudWatch: `info`, `debug` or `trace`.
    #[arg(long, value_name = "LEVEL", env = edge::log::LEVEL)]
    pub(crate) log: Option<String>,

    /// Also append each event to this file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,

    /// Include users and groups in the events about them.
    #[arg(long)]
    pub(crate) event_resources: bool,

    /// Publish no events and complete no pending changes, for a table that another process serves.
    #[arg(long, conflicts_with_all = ["events", "event_resources"])]
    pub(crate) no_events: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what happened to a user or a group, or who was a member of a group, and exit.
    Audit(Audit),
    /// Check whether the items of the table agree with each other, and exit.
    Check(CheckTable),
}

fn url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.filter(|rest| !rest.is_empty()).map(|_| text.to_owned()).ok_or("a URL starts with http:// or https://")
}

fn tenant(text: &str) -> Result<String, &'static str> {
    Tenant::is_valid_name(text)
        .then(|| text.to_owned())
        .ok_or("a tenant name has 1 to 64 of the characters a-z, 0-9 and -")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_that_contradict_each_other_are_rejected() {
        Options::command().debug_assert();
        for (arguments, expect) in [
            (&["--port", "0"][..], true),
            (&["--memory", "--data", "x"], false),
            (&["--memory", "--dynamodb-endpoint", "http://x"], false),
            (&["--dynamodb-endpoint", "localhost:8000"], false),
            (&["--tenant", "Acme"], false),
            (&["--port", "65536"], false),
            (&["--dialect", "strict"], true),
            (&["--dialect", "loose"], false),
            (&["--events", "x", "--event-resources"], true),
            (&["--events", "x", "--no-events"], false),
            (&["audit", "--resource", "x", "--data", "y", "--tenant", "acme"], true),
            (&["audit", "--members-of", "x", "--at", "y"], true),
            (&["audit", "--members-of", "x", "--from", "y"], false),
            (&["audit", "--at", "y"], false),
            (&["check", "--repair", "--all", "--memory"], true),
            (&["check", "--resource", "x"], false),
        ] {
            let all = ["local"].iter().chain(arguments);
            assert_eq!(Options::try_parse_from(all).is_ok(), expect, "{arguments:?}");
        }
    }
}
