//! Tests of `local` that need separate processes: they kill a process, make DynamoDB calls fail, count the calls by
//! the lines that `local` prints, measure memory, or read the files that `local` writes. All other checks are in
//! `shared/acceptance`, and `tests/acceptance.rs` runs them.
//!
//! These environment variables change the tests:
//!
//! - `DYNAMODB_ENDPOINT`: `local` keeps its data there instead of in its own memory or file.
//! - `SCIM_FAULTS`: this percentage of DynamoDB calls fails, and the client repeats requests that are deferred.
//! - `SCIM_SECRETS`: a folder in which the tests record the values that they send and the lines that the servers
//!   print (see `acceptance::record`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot continue panics, and the panic names the line"
)]

mod body_costs;
mod connections;
mod durability;
mod events;
mod fault_rates;
mod file_permissions;
mod interop;
mod kill_points;
mod large_group;
mod large_pages;
mod linearizability;
mod logs;
mod outage;
mod page_calls;
#[path = "../process/mod.rs"]
mod process;
mod projection_calls;
mod reference;
mod scan_limit;
mod server;
mod tenants;
mod tokens;

use gateway::template;
