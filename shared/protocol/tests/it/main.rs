//! Properties of the protocol, on what is made up: filters, operations, projections, and any bytes at all.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and says where"
)]

mod filters;
mod model;
mod patches;
mod projections;
mod totality;
