//! Access for tools on a developer's machine: benchmarks, tests, and the gateway of `cargo run`. No deployed function
//! calls them.

pub(crate) mod access_check;
#[cfg(feature = "benchmarks")]
mod in_process;
#[cfg(feature = "benchmarks")]
pub mod load;
