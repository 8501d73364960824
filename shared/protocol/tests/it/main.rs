//! Properties of the protocol on random filters, operations, projections and arbitrary bytes.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test that cannot continue panics; it may read the clock and the number of its cases"
)]

mod filters;
mod model;
mod patches;
mod projections;
mod tokens;
mod totality;
