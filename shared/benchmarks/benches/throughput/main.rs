//! The throughput of `cargo run`: requests like Okta's over 8 connections, one after the other on each, and the CPU
//! time that they take in each part. Prints a table in Markdown, and fails if a response is wrong.
//!
//!     cargo bench -p benchmarks --bench throughput    on the embedded engine, with its data in a file
//!     DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo bench -p benchmarks --bench throughput

#![allow(dead_code, reason = "only parts of the load benchmark are needed here")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its tables"
)]

#[path = "../load/client.rs"]
mod client;
mod database;
#[path = "../load/groups.rs"]
mod groups;
#[path = "../load/log.rs"]
mod log;
#[path = "../load/mix.rs"]
mod mix;
#[path = "../load/phase.rs"]
mod phase;
#[path = "../common/process.rs"]
mod process;
#[path = "../load/server.rs"]
mod server;
#[path = "../load/session.rs"]
mod session;
#[path = "../load/tenant.rs"]
mod tenant;
#[path = "../load/users.rs"]
mod users;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use testkit::variable;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::client::LoadClient;
use crate::log::Log;
use crate::phase::Load;
use crate::process::usage;
use crate::server::Server;
use crate::tenant::LoadTenant;

const CONNECTIONS: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::start(CONNECTIONS);
    LocalSet::new().block_on(&runtime, run(&server, Duration::from_secs(variable("THROUGHPUT_SECONDS", 60))));
}

async fn run(server: &Server, time: Duration) {
    let base = server.base();
    let log = Rc::new(RefCell::new(Log::new(Instant::now())));
    let tenant = |(number, token): (usize, &String)| {
        Rc::new(LoadTenant::new(LoadClient::new(&base, token, log.clone()), number as u64))
    };
    let load = Load { tenants: server.tokens.iter().enumerate().map(tenant).collect(), log: log.clone() };
    load.fill().await;
    server.idle().await;
    let own = || usage("self").map_or(0.0, |usage| usage.cpu_seconds);
    let whole = || server.usage().map_or(0.0, |usage| usage.cpu_seconds);
    let spent = || [whole(), database::cpu(server).unwrap_or(f64::NAN), own()];
    let begun = Instant::now();
    let before = spent();
    saturate(&load, time).await;
    let seconds = begun.elapsed().as_secs_f64();
    let after = spent();
    let log = log.borrow();
    assert!(log.errors.is_empty(), "{}", log.errors.join("\n"));
    let requests = log.requests() as f64;
    let times = log.all_times();
    let [server, database, own] = [0, 1, 2].map(|part| (after[part] - before[part]) * 1000.0 / requests);
    let is_embedded = std::env::var_os("DYNAMODB_ENDPOINT").is_none();
    let gateway = if is_embedded { server - database } else { server };
    println!("{CONNECTIONS} connections for {seconds:.0} seconds:\n\n| | |\n|---|---|");
    println!("| requests | {requests}, {:.0} per second |", requests / seconds);
    println!("| p50, p99 | {:.1}, {:.1} ms |", times.at(50), times.at(99));
    println!("| CPU time of the gateway, the functions and the SDK | {gateway:.2} ms per request |");
    println!("| CPU time of the database | {database:.2} ms per request |");
    println!("| CPU time of the benchmark | {own:.2} ms per request |");
}

/// Sends one request after the other for each tenant, until the time is over.
async fn saturate(load: &Load, time: Duration) {
    let begun = Instant::now();
    load.log.replace(Log::new(begun));
    let mut loads = JoinSet::new();
    for tenant in &load.tenants {
        let tenant = tenant.clone();
        let log = load.log.clone();
        loads.spawn_local(async move {
            let hundreds = std::iter::repeat_with(|| mix::hundred(&mut tenant.random.borrow_mut())).flatten();
            for (task, _) in hundreds {
                if begun.elapsed() >= time || log.borrow().is_hopeless() {
                    break;
                }
                phase::run(&tenant, task, Instant::now(), Duration::ZERO, &log).await;
            }
        });
    }
    loads.join_all().await;
}
