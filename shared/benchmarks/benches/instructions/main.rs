//! Instructions of single steps and of whole operations, counted by callgrind: the same on every machine of one
//! kind. There is no network: DynamoDB's responses are recordings of the embedded engine.
//!
//!     cargo bench -p benchmarks --bench instructions   needs valgrind and gungraun-runner in the locked version
//!     .ci/instructions.py                              compares with report/baseline.json; `--keep` replaces it

#![allow(unused_qualifications, reason = "the macros of gungraun write out their paths")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed benchmark panics")]

#[path = "../common/events.rs"]
mod events;
mod handlers;
mod steps;

use gungraun::{Callgrind, LibraryBenchmarkConfig, main};

use crate::handlers::operation;
use crate::steps::step;

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [step, operation]
);
