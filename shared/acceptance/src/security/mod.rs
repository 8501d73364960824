//! Checks of tokens, and of requests that a hostile client may send.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check fails by panicking, and the runner catches it"
)]

pub mod canaries;
pub mod hostile;
pub mod timing;
pub(crate) mod tokens;
