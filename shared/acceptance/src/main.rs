//! Checks a SCIM server and prints a report: `cargo run -p acceptance -- --base-url URL --token TOKEN`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use acceptance::{CheckOutcome, CheckResult, Report, Selection, Target};
use clap::Parser;

/// Checks a SCIM 2.0 server from the outside and prints a report.
///
/// The exit code is 0 if no check failed, 1 if one did, and 2 if the program could not run.
#[derive(Parser)]
#[command(version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Arguments {
    /// The base URL of the endpoints, for example https://example.com/scim/v2.
    #[arg(long, env = "SCIM_BASE_URL", required_unless_present = "list")]
    base_url: Option<String>,
    /// A bearer token that may read and write everything.
    #[arg(long, env = "SCIM_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// A strict token, which rejects requests that deviate from the RFCs; without it, the checks of rejections are
    /// skipped.
    #[arg(long, env = "SCIM_STRICT_TOKEN", hide_env_values = true)]
    strict_token: Option<String>,
    /// A token of another tenant on the same server; without it, the checks of tenant isolation are skipped.
    #[arg(long, env = "SCIM_OTHER_TENANT_TOKEN", hide_env_values = true)]
    other_tenant_token: Option<String>,
    /// Runs the checks whose names contain this, for example okta or protocol::users. Repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Skips the checks whose names contain this. Repeatable.
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
    /// Prints the names of the selected checks and what they need, without running them.
    #[arg(long)]
    list: bool,
    /// Also writes the report to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How many checks run at the same time.
    #[arg(long, default_value_t = 4, value_name = "COUNT")]
    jobs: usize,
    /// How many seconds to wait for each response.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
    /// How many seconds one check may take.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    check_timeout: u64,
    /// Also runs the checks that need an empty directory; no other client may use the directory meanwhile.
    #[arg(long)]
    empty_directory: bool,
    /// Repeats requests after a response with 429 or 503.
    #[arg(long)]
    repeat: bool,
    /// Keeps the resources that the checks create; otherwise each check deletes its own resources when it ends.
    #[arg(long)]
    keep: bool,
    /// How many random sequences each randomised check tries.
    #[arg(long, default_value_t = 2, value_name = "COUNT")]
    random_cases: u32,
    /// How many users are created for the check that pages through a large directory.
    #[arg(long, default_value_t = 2_000, value_name = "COUNT")]
    large_directory: usize,
    /// A folder of recorded exchanges to replay.
    #[arg(long, env = "OKTA_RECORDINGS", value_name = "FOLDER")]
    recordings: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs or lists the selected checks, and returns whether no check failed.
fn run(arguments: &Arguments) -> io::Result<bool> {
    let selection = arguments.selection();
    if !acceptance::checks().any(|check| selection.selects(check)) {
        return Err(io::Error::other("no check is selected; --list prints the names of all checks"));
    }
    if arguments.list {
        return list(&selection).map(|()| true);
    }
    let report = acceptance::run(&arguments.target(), &selection);
    if io::stderr().is_terminal() {
        write!(io::stderr(), "\r\x1b[K")?;
    }
    write!(io::stdout(), "{report}")?;
    if let Some(file) = &arguments.json {
        write_json(file, &report)?;
    }
    Ok(report.failed() == 0)
}

fn write_json(file: &PathBuf, report: &Report) -> io::Result<()> {
    let text = format!("{:#}\n", report.to_json());
    fs::write(file, text).map_err(|error| io::Error::other(format!("{} cannot be written: {error}", file.display())))
}

fn list(selection: &Selection) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for check in acceptance::checks().filter(|check| selection.selects(check)) {
        let needs: Vec<String> = check.needs.iter().map(|needs| format!("{needs:?}")).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("  (needs {})", needs.join(", ")) };
        writeln!(out, "{}{needs}", check.name)?;
    }
    Ok(())
}

impl Arguments {
    fn target(&self) -> Target {
        let mut target = Target::new(self.base_url.as_deref().unwrap_or_default(), &self.token);
        target.strict_token.clone_from(&self.strict_token);
        target.other_tenant_token.clone_from(&self.other_tenant_token);
        target.is_exclusive = self.empty_directory;
        target.repeats_requests = self.repeat;
        target.timeout = Duration::from_secs(self.timeout);
        target.check_timeout = Duration::from_secs(self.check_timeout);
        target.random_cases = self.random_cases;
        target.large_directory = self.large_directory;
        target.recordings.clone_from(&self.recordings);
        target
    }

    fn selection(&self) -> Selection {
        Selection {
            only: self.only.clone(),
            skip: self.skip.clone(),
            jobs: self.jobs,
            keeps_resources: self.keep,
            progress: if io::stderr().is_terminal() { show_progress } else { |_, _, _| {} },
        }
    }
}

/// Overwrites the progress line of the terminal.
fn show_progress(ended: usize, all: usize, result: &CheckResult) {
    let outcome = match result.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed { .. } => "FAILED",
        CheckOutcome::Skipped { .. } => "skipped",
    };
    let _ = write!(io::stderr(), "\r\x1b[K[{ended}/{all}] {outcome} {}", result.name);
}
