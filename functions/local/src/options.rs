//! What `cargo run -- --help` shows.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use protocol::Tenant;

use crate::audit::Audit;

/// SCIM on Lambda on this machine: every function behind a local gateway, over an embedded DynamoDB.
#[derive(Debug, Parser)]
#[command(name = "local", version, arg_required_else_help = false)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,

    /// Where the directory is kept between runs [default: a file in your data directory].
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["memory", "dynamodb_endpoint"])]
    pub(crate) data: Option<PathBuf>,

    /// Keep nothing.
    #[arg(long, global = true, conflicts_with = "dynamodb_endpoint")]
    pub(crate) memory: bool,

    /// Use DynamoDB Local, or AWS, in place of the embedded DynamoDB.
    #[arg(long, global = true, value_name = "URL", value_parser = url)]
    pub(crate) dynamodb_endpoint: Option<String>,

    /// The table.
    #[arg(long, global = true, value_name = "NAME", default_value = "scim")]
    pub(crate) table: String,

    /// Whose directory the printed token opens.
    #[arg(long, global = true, value_name = "NAME", default_value = "dev", value_parser = tenant)]
    pub(crate) tenant: String,

    /// How the printed token's requests are read: `lenient`, or `strict` to the letter of the RFCs.
    #[arg(long, value_name = "NAME", default_value = "lenient", value_parser = ["lenient", "strict"])]
    pub(crate) dialect: String,

    /// Also print the functions' own lines on standard error, as they are in CloudWatch: `info`, `debug` or `trace`.
    #[arg(long, value_name = "LEVEL", env = edge::log::LEVEL)]
    pub(crate) log: Option<String>,

    /// Append each event to this file too, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,

    /// Let users and groups go along with the events about them.
    #[arg(long)]
    pub(crate) event_resources: bool,

    /// Tell no events and complete no changes: for a table whose changes another process follows.
    #[arg(long, conflicts_with_all = ["events", "event_resources"])]
    pub(crate) no_events: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what happened to a user or a group, or who was in a group, and serve nothing.
    Audit(Audit),
}

fn url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.filter(|rest| !rest.is_empty()).map(|_| text.to_owned()).ok_or("a URL begins with http:// or https://")
}

fn tenant(text: &str) -> Result<String, &'static str> {
    Tenant::is_valid_name(text).then(|| text.to_owned()).ok_or("a tenant is 1 to 64 of the characters a-z, 0-9 and -")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_fit_together() {
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
        ] {
            let all = ["local"].iter().chain(arguments);
            assert_eq!(Options::try_parse_from(all).is_ok(), expect, "{arguments:?}");
        }
    }
}
