//! Tests of the store against DynamoDB: the embedded engine, or the one at the URL in `DYNAMODB_ENDPOINT`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics, and a test prints its figures"
)]

mod aborted_changes;
mod audit_trail;
mod bookmarks;
mod capacity;
mod catch_up;
mod changes;
mod convoy;
mod crash;
mod crash_delete;
mod engine;
mod faults;
mod home_region;
mod jumps;
mod large_changes;
mod large_items;
mod membership;
mod model;
mod names;
mod paging;
mod pending_deletes;
mod pending_reads;
mod proxy;
mod restored;
mod throughput;
mod tokens;
mod torn_tables;
