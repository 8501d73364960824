//! Properties of the protocol on random filters, operations, projections and arbitrary bytes.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and says where; it may look at the clock and at how much it is to do"
)]

mod filters;
mod model;
mod patches;
mod projections;
mod tokens;
mod totality;
