//! Tests of `local` that need processes of their own: they kill them, let DynamoDB fail, count its calls by the lines that `local`
//! prints, measure memory, or read the files that it writes. Everything else is in `shared/acceptance`, which
//! `tests/acceptance.rs` runs.
//!
//! These environment variables change what is tested:
//!
//! - `DYNAMODB_ENDPOINT`: `local` keeps its data there instead of in its own memory or file.
//! - `SCIM_FAULTS`: so many of a hundred calls of DynamoDB fail; the client repeats requests that are deferred.
//! - `SCIM_SECRETS`: a folder for what is sent and what the servers print (see `acceptance::record`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says where"
)]

mod body_costs;
mod durability;
mod events;
mod fault_rates;
mod file_permissions;
mod kill_points;
mod large_group;
mod linearizability;
mod logs;
mod outage;
mod page_calls;
#[path = "../process/mod.rs"]
mod process;
mod projection_calls;
mod scan_limit;
mod server;
mod tenants;
mod tokens;

use gateway::template;
