//! A load like Okta's on `cargo run`: a fixed rate of requests of each tenant, by a schedule that does not wait for
//! the server. It checks each response, and measures time and memory. Prints tables in Markdown, and fails if a
//! response is wrong or the server falls behind.
//!
//!     cargo bench -p benchmarks --bench load    on the embedded engine, with its data in a file
//!     DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo bench -p benchmarks --bench load
//!     LOAD_SECONDS=30 LOAD_TENANTS=8 LOAD_RATE=10 cargo bench -p benchmarks --bench load
//!
//! Without `LOAD_RATE`, it starts with 25 requests per second of each tenant and lowers the rate until the server
//! keeps up.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failed benchmark panics, and a benchmark prints its tables"
)]

mod client;
mod groups;
mod log;
mod mix;
mod phase;
#[path = "../common/process.rs"]
mod process;
mod report;
mod series;
mod server;
mod session;
mod tenant;
mod users;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use testkit::variable;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

use crate::client::LoadClient;
use crate::log::Log;
use crate::phase::Load;
use crate::process::usage;
use crate::report::Run;
use crate::server::Server;
use crate::tenant::{GROUPS, LoadTenant, USERS};

/// The requests per second of each tenant that the IPSIE profile requires.
const RATE: f64 = 25.0;

fn main() -> ExitCode {
    // A single thread leaves the other cores to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tenants = variable("LOAD_TENANTS", 40);
    let seconds = variable("LOAD_SECONDS", 600);
    let server = Server::start(tenants as usize);
    let problems = LocalSet::new().block_on(&runtime, run(&server, seconds as usize));
    if problems.is_empty() {
        return ExitCode::SUCCESS;
    }
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    eprintln!("--- the last lines of the server\n{}", server.last_lines());
    ExitCode::FAILURE
}

/// Returns the problems of the run.
async fn run(server: &Server, seconds: usize) -> Vec<String> {
    let begun = Instant::now();
    let base = server.base();
    let log = Rc::new(RefCell::new(Log::new(begun)));
    let tenant = |(number, token): (usize, &String)| {
        Rc::new(LoadTenant::new(LoadClient::new(&base, token, log.clone()), number as u64))
    };
    let load = Load { tenants: server.tokens.iter().enumerate().map(tenant).collect(), log: log.clone() };
    load.fill().await;
    load.peak().await;
    server.idle().await;
    println!("{USERS} users and {GROUPS} groups for each tenant, created in {:.0?}", begun.elapsed());
    let rate = match std::env::var("LOAD_RATE") {
        Ok(rate) => rate.parse().expect("LOAD_RATE is a number"),
        Err(_) => load.ramp(RATE, server).await,
    };
    if log.borrow().is_hopeless() {
        return log.borrow().errors.clone();
    }
    let usages = || server.usage().zip(usage("self"));
    let before = usages();
    let (memory, ()) =
        tokio::join!(sample_memory(server, seconds), load.hold(rate, Duration::from_secs(seconds as u64), false));
    let busy = server.idle().await;
    let cpu = before.zip(usages()).map(|((server, own), (server_end, own_end))| [(server, server_end), (own, own_end)]);
    let is_embedded = std::env::var_os("DYNAMODB_ENDPOINT").is_none();
    let run = Run { tenants: load.tenants.len(), rate, seconds, memory, cpu, is_embedded, busy };
    println!();
    let problems = run.report(&log.borrow());
    println!("\n{}", series::write(is_embedded, &run.memory, &log.borrow().per_second).display());
    problems
}

/// Samples the memory of the server at the end of each second.
async fn sample_memory(server: &Server, seconds: usize) -> Vec<f64> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    for second in 1..=seconds {
        sleep_until(begun + Duration::from_secs(second as u64)).await;
        samples.extend(server.usage().map(|usage| usage.resident_mb));
    }
    samples
}
