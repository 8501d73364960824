//! Random filters and PATCH requests with a strict token have the effect that the reference models of `testkit` give
//! them (RFC 7644 §3.4.2.2, §3.5.2).
//!
//! These environment variables change the tests:
//!
//! - `REFERENCE_CASES`: the number of cases; half of them are filters, and the others PATCH requests.
//! - `REFERENCE_SEED`: the seed of the first case; the next case has the next seed. The same seed gives the same case,
//!   but for the ids that the server assigns.

mod filters;
mod patches;

use std::collections::BTreeMap;
use std::ops::Range;

use acceptance::answer::Answer;
use testkit::reference::ExpectedError;
use testkit::variable;

use crate::process::{fault_rate, print_skipped};

/// How many disagreements are printed.
const MAX_SHOWN: usize = 20;

/// Whether the tests are left out, because calls of the database fail and the client repeats its requests.
fn is_left_out(name: &str) -> bool {
    let is_faulty = fault_rate().is_some();
    if is_faulty {
        print_skipped(name, "it compares single requests, which SCIM_FAULTS makes the client repeat");
    }
    is_faulty
}

/// The seeds of a test that has one of `parts` parts of all cases.
fn seeds(parts: u64) -> Range<u64> {
    let first = variable("REFERENCE_SEED", fastrand::u64(1..1_000_000));
    first..first + variable("REFERENCE_CASES", 500) / parts
}

/// The results of the requests of a test.
#[derive(Default)]
struct ComparisonReport {
    /// How many requests the model expects to be answered in which way, such as `200` or `invalidPath`.
    expected: BTreeMap<String, u64>,
    disagreements: Vec<String>,
}

impl ComparisonReport {
    fn add(&mut self, expected: &str, seed: u64, disagreement: Option<String>) {
        *self.expected.entry(expected.to_owned()).or_default() += 1;
        self.disagreements.extend(disagreement.map(|text| format!("REFERENCE_SEED={seed} REFERENCE_CASES=4\n{text}")));
    }

    /// Prints the numbers, and fails if there is a disagreement, or if the cases were too similar to show one.
    fn finish(self, name: &str, seeds: &Range<u64>) {
        let total = seeds.end - seeds.start;
        println!("reference: {total} {name} from REFERENCE_SEED={}: {:?}", seeds.start, self.expected);
        let count = self.disagreements.len();
        let shown = self.disagreements.into_iter().take(MAX_SHOWN).collect::<Vec<_>>().join("\n\n");
        assert!(count == 0, "the server and the model disagree about {count} of {total} {name}:\n\n{shown}\n");
        let successes = self.expected.get("200").copied().unwrap_or_default();
        let is_mixed = successes > total / 3 && self.expected.len() > 1;
        assert!(total < 100 || is_mixed, "expected more requests with success, and some with an error");
    }
}

/// The error that the model expects, in the counts that a test prints.
fn name_of(error: &ExpectedError) -> String {
    error.scim_types.join("|")
}

/// A text if the answer is not this error.
fn other_than(error: &ExpectedError, answer: &Answer) -> Option<String> {
    let scim_type = answer.body["scimType"].as_str().unwrap_or_default();
    let is_right = answer.status == 400 && error.scim_types.contains(&scim_type);
    (!is_right).then(|| format!("expected 400 {}, because {}\n{answer}", name_of(error), error.reason))
}
