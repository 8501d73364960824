//! Instructions of each step and of whole operations, counted by callgrind: the same on every machine of one kind. The network is
//! stubbed out: DynamoDB's answers are those that the embedded engine gave once.
//!
//!     cargo bench -p local --bench instructions            needs valgrind, and gungraun-runner of the version in Cargo.lock
//!     .ci/instructions.py                                  compares the counts with the baseline beside this, and `--keep` sets it

#![allow(unused_qualifications, reason = "the macros of gungraun write their paths out")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark fails by a panic")]

#[path = "../common/events.rs"]
mod events;
#[path = "../../src/functions.rs"]
#[allow(dead_code, reason = "its list of names is for other tests")]
mod functions;
mod handlers;
mod steps;

use gungraun::{Callgrind, LibraryBenchmarkConfig, main};

use crate::handlers::operation;
use crate::steps::step;

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [step, operation]
);
