//! The store against a DynamoDB: an embedded one, or the one whose URL `DYNAMODB_ENDPOINT` holds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and prints its figures"
)]

mod bookmarks;
mod changes;
mod crash;
mod crash_delete;
mod engine;
mod faults;
mod large;
mod meanwhile;
mod membership;
mod meter;
mod model;
mod names;
mod paging;
mod proxy;
mod tokens;
mod trail;
