//! The store against a DynamoDB: an embedded one, or the one whose URL `DYNAMODB_ENDPOINT` holds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by a panic")]

mod bookmarks;
mod changes;
mod engine;
mod faults;
mod membership;
mod meter;
mod names;
mod paging;
mod proxy;
mod tokens;
mod trail;
