//! What the tests and benchmarks of several crates need: an engine to work on, a consumer of events. It fails by a panic.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by a panic"
)]

mod engine;
mod event;
mod faulty;
mod meter;
mod replica;
mod unchanging;
mod wire;

pub use engine::engine;
pub use event::event;
pub use faulty::Faulty;
pub use meter::{Meter, Usage};
pub use replica::{Replica, events_in};
pub use unchanging::Unchanging;

/// A number from the environment, for how much a test does and by which seed.
pub fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}
