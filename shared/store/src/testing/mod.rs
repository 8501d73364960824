//! Seams for tools on a developer's machine: no deployed function uses them.

pub(crate) mod access_check;
#[cfg(feature = "benchmarks")]
mod in_process;
#[cfg(feature = "benchmarks")]
pub mod load;
