//! What the tests of several crates need: an engine to work on, and a consumer of events. It fails by a panic.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by a panic")]

mod engine;
mod replica;

pub use engine::engine;
pub use replica::{Replica, events_in};
