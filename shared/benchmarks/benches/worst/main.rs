//! Searches for the single requests that take the most time and memory, on every route: sizes × operations × terms.
//! The service is `local`, in a separate process for each request; the database is in this process, as it is
//! elsewhere on AWS. Prints a table in Markdown with the worst requests of each route, and fails if one exceeds the
//! limits below.
//!
//!     cargo bench -p benchmarks --bench worst
//!     cargo bench -p benchmarks --bench worst -- PATCH        only requests whose name contains a text, each printed

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its tables"
)]

mod bulk;
mod discovery;
mod groups;
mod lists;
#[path = "../common/process.rs"]
mod process;
mod service;
mod users;

use std::collections::BTreeMap;
use std::process::ExitCode;

use service::{Measurement, Service};

/// Seconds of CPU in a release build, and megabytes above the memory of the idle service.
const LIMITS: (f64, f64) = (3.0, 150.0);
fn is_within_limits(one: &Measurement) -> bool {
    let (cpu_seconds, memory_mb) = LIMITS;
    let is_failure = one.status >= 500 && one.status != 501;
    one.cpu_seconds <= cpu_seconds && one.memory_mb <= memory_mb && !is_failure
}

fn main() -> ExitCode {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut service = Service::start(only);
    discovery::measure(&mut service);
    users::measure(&mut service);
    lists::measure(&mut service);
    bulk::measure(&mut service);
    groups::measure(&mut service);
    report(&service.measured)
}

/// Prints the requests of each route that took the most CPU and the most memory.
fn report(measured: &[Measurement]) -> ExitCode {
    println!("\n| route | requests | most CPU, s | of | most memory, MB | of |\n|---|---|---|---|---|---|");
    let mut routes: BTreeMap<&str, Vec<&Measurement>> = BTreeMap::new();
    for one in measured {
        routes.entry(&one.route).or_default().push(one);
    }
    for (route, of_route) in &routes {
        let slowest = of_route.iter().max_by(|a, b| a.cpu_seconds.total_cmp(&b.cpu_seconds)).unwrap();
        let largest = of_route.iter().max_by(|a, b| a.memory_mb.total_cmp(&b.memory_mb)).unwrap();
        println!(
            "| {route} | {} | {:.2} | {}: {} | {:.0} | {}: {} |",
            of_route.len(),
            slowest.cpu_seconds,
            slowest.name,
            slowest.status,
            largest.memory_mb,
            largest.name,
            largest.status
        );
    }
    let excess: Vec<&Measurement> = measured.iter().filter(|one| !is_within_limits(one)).collect();
    for Measurement { route, name, status, cpu_seconds, memory_mb } in &excess {
        println!("beyond the limits: {route} {name}: {status}, {cpu_seconds:.2} s, {memory_mb:.0} MB");
    }
    println!("\n{} requests, {} beyond the limits", measured.len(), excess.len());
    if excess.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
