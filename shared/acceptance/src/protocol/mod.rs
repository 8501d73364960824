//! Checks of the protocol, by subject (RFC 7643, RFC 7644, RFC 9865).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check fails by panicking, and the runner catches it"
)]

pub(crate) mod bodies;
pub mod bulk;
pub(crate) mod concurrency;
pub(crate) mod conformance;
pub(crate) mod discovery;
pub(crate) mod etags;
pub(crate) mod extensions;
pub(crate) mod filters;
pub(crate) mod groups;
pub(crate) mod http;
pub(crate) mod leniencies;
pub mod paging;
pub(crate) mod patch;
pub(crate) mod projection;
pub(crate) mod routes;
pub(crate) mod search;
pub(crate) mod uniqueness;
pub(crate) mod users;
