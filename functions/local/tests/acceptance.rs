//! Runs every check of `shared/acceptance` as a test of `local`, by its name:
//! `cargo test -p local --test acceptance -- okta`.
//!
//! Each check starts a separate `local`, because a directory that all checks fill would make each search of them
//! slower. Only checks that need more than one token share a server. A check that cannot run prints a line
//! `skipped NAME: REASON`. These environment variables change the tests:
//!
//! - `SCIM_BASE_URL` with `SCIM_TOKEN`, and optionally `SCIM_STRICT_TOKEN` and `SCIM_OTHER_TENANT_TOKEN`: the
//!   checks test that server.
//! - `DYNAMODB_ENDPOINT`: `local` keeps its data there.
//! - `SCIM_AWS`: DynamoDB shows these behaviours of AWS (see `testkit::engine`), and the client repeats requests that
//!   are deferred.
//! - `SCIM_FAULTS`: this percentage of DynamoDB calls fails, and the client repeats requests that are deferred.
//! - `OKTA_RECORDINGS`: a folder of recorded exchanges to replay.
//! - `SCIM_SECRETS`: a folder in which the tests record the values that they send and the lines that the servers
//!   print (see `acceptance::record`).
//! - `LARGE_DIRECTORY_USERS`: how many users the large directory has that a check pages through; 2,000 by default.
//!
//! At build time, `SCIM_EXTENSIONS=shared/acceptance/extensions` adds the schemas that `protocol::extensions`
//! checks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot continue panics, and the panic names the line"
)]

mod process;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use acceptance::{Check, CheckOutcome, Needs, Target, unique};
use libtest_mimic::{Arguments, Failed, Trial};
use testkit::{FaultProxy, engine};

use crate::process::{LocalProcess, fault_rate, print_skipped};

/// How many sequences each randomised check tries.
const RANDOM_CASES: u32 = 25;
/// The longest checks create thousands of users, and the machine may be busy.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3_600);

/// The server that is shared by the checks that need more than one token; it starts when the first check needs it.
#[derive(Default)]
struct Servers {
    with_tokens: Mutex<Option<(LocalProcess, Target)>>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let servers = Arc::<Servers>::default();
    let trials = acceptance::checks().map(|check| {
        let servers = servers.clone();
        Trial::test(check.name, move || servers.run(check))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    servers.stop();
    conclusion.exit_code()
}

impl Servers {
    fn run(&self, check: &'static Check) -> Result<(), Failed> {
        let mut own = None;
        let target = match server_from_environment() {
            Some(target) => target,
            None if !check.is_exclusive() && needs_more_tokens(check) => self.with_tokens(),
            None => {
                let process = own.insert(LocalProcess::start_in_memory(&unique("t"), &[]));
                let mut target = target(process);
                target.is_exclusive = true;
                target
            }
        };
        match check.result(&target, true).outcome {
            CheckOutcome::Passed => Ok(()),
            CheckOutcome::Skipped { reason } if is_available_here(check) => {
                Err(format!("skipped, although this program started the server for it: {reason}").into())
            }
            CheckOutcome::Skipped { reason } => {
                print_skipped(check.name, &reason);
                Ok(())
            }
            CheckOutcome::Failed { message, location } => {
                let lines = own.map(|process| format!("\n--- the last lines of the server\n{}", process.last_lines()));
                Err(format!("{message}\nat {location}{}", lines.unwrap_or_default()).into())
            }
        }
    }

    /// A server with a strict token and a token of another tenant. A `local` issues one token only, so two more
    /// processes issue these tokens in the same table.
    fn with_tokens(&self) -> Target {
        let mut server = lock(&self.with_tokens);
        let (_, target) = server.get_or_insert_with(|| {
            let tenant = unique("t");
            let issue = |of: &str, more: &[&str]| {
                let table = ["--dynamodb-endpoint", engine(), "--table", &tenant];
                LocalProcess::start(of, &[&table, more].concat()).token.clone()
            };
            let strict_token = issue(&tenant, &["--dialect", "strict"]);
            let other_tenant_token = issue(&unique("t"), &[]);
            let faults = fault_rate().map(|rate| (FaultProxy::before(engine(), 1), rate));
            let url = faults.as_ref().map_or(engine(), |(proxy, _)| proxy.url());
            let process = LocalProcess::start(&tenant, &["--dynamodb-endpoint", url, "--table", &tenant]);
            faults.iter().for_each(|(proxy, rate)| proxy.fail(*rate));
            let mut target = target(&process);
            target.strict_token = Some(strict_token);
            target.other_tenant_token = Some(other_tenant_token);
            (process, target)
        });
        target.clone()
    }

    fn stop(&self) {
        lock(&self.with_tokens).take();
    }
}

/// Whether a server of this program has all that the check needs.
fn is_available_here(check: &Check) -> bool {
    let is_given = |needs: &Needs| match needs {
        Needs::ExampleExtensions | Needs::Recordings => false,
        Needs::SingleAnswers => !is_deferring(),
        _ => true,
    };
    server_from_environment().is_none() && check.needs.iter().all(is_given)
}

/// Whether DynamoDB fails or throttles calls, so that the server defers requests.
fn is_deferring() -> bool {
    fault_rate().is_some() || env::var_os("SCIM_AWS").is_some()
}

fn needs_more_tokens(check: &Check) -> bool {
    check.needs.iter().any(|needs| [Needs::StrictToken, Needs::OtherTenantToken].contains(needs))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread has panicked while it started a server")
}

/// The server that `SCIM_BASE_URL` names.
fn server_from_environment() -> Option<Target> {
    let base_url = env::var("SCIM_BASE_URL").ok()?;
    let token = env::var("SCIM_TOKEN").ok()?;
    let mut target = with_options(Target::new(&base_url, &token));
    target.strict_token = env::var("SCIM_STRICT_TOKEN").ok();
    target.other_tenant_token = env::var("SCIM_OTHER_TENANT_TOKEN").ok();
    Some(target)
}

fn target(process: &LocalProcess) -> Target {
    let mut target = with_options(Target::new(&process.base_url, &process.token));
    target.repeats_requests = is_deferring();
    target.random_cases = RANDOM_CASES;
    target
}

/// Adds the options that the environment sets for every target.
fn with_options(mut target: Target) -> Target {
    target.check_timeout = CHECK_TIMEOUT;
    target.recordings = env::var_os("OKTA_RECORDINGS").map(PathBuf::from);
    if let Ok(number) = env::var("LARGE_DIRECTORY_USERS") {
        target.large_directory = number.parse().expect("LARGE_DIRECTORY_USERS is a number");
    }
    target
}
