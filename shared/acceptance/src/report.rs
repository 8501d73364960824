//! The outcome of a run, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::check::Check;

/// The outcome of a check.
#[derive(Clone, Debug)]
pub enum CheckOutcome {
    /// The target met every expectation.
    Passed,
    /// The target did not meet an expectation.
    Failed {
        /// The expectation of the check, and the response of the target.
        message: String,
        /// The file and the line of the expectation.
        location: String,
    },
    /// The check did not run.
    Skipped {
        /// The need of the check that the target does not meet.
        reason: String,
    },
}

/// The result of one check.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// The name of the check.
    pub name: &'static str,
    /// Its outcome.
    pub outcome: CheckOutcome,
    /// How long it ran.
    pub duration: Duration,
}

/// The results of all selected checks.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target.
    pub base_url: String,
    /// One result for each check, in the order of [`crate::checks`].
    pub results: Vec<CheckResult>,
    /// How long the run took.
    pub duration: Duration,
}

impl Report {
    /// Creates a report; the results may be in any order.
    pub(crate) fn new(base_url: &str, selected: &[&Check], results: Vec<CheckResult>, duration: Duration) -> Self {
        let mut by_name: BTreeMap<&str, CheckResult> =
            results.into_iter().map(|result| (result.name, result)).collect();
        let results = selected.iter().filter_map(|check| by_name.remove(check.name)).collect();
        Self { base_url: base_url.to_owned(), results, duration }
    }

    /// How many checks passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        count(&self.results).passed
    }

    /// How many checks failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        count(&self.results).failed
    }

    /// How many checks did not run.
    #[must_use]
    pub fn skipped(&self) -> usize {
        count(&self.results).skipped
    }

    /// The report as a JSON object: `baseUrl`, `passed`, `failed`, `skipped`, `durationMs`, and `checks`, each with
    /// `name`, `outcome`, `durationMs`, and `message` and `location`, or `reason`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks: Vec<Value> = self.results.iter().map(CheckResult::to_json).collect();
        json!({
            "baseUrl": self.base_url, "passed": self.passed(), "failed": self.failed(), "skipped": self.skipped(),
            "durationMs": milliseconds(self.duration), "checks": checks,
        })
    }
}

impl CheckResult {
    /// The name of the check's module.
    fn module(&self) -> &'static str {
        self.name.rsplit_once("::").map_or("", |(module, _)| module)
    }

    /// The check's name within its module.
    fn short_name(&self) -> &'static str {
        self.name.rsplit_once("::").map_or(self.name, |(_, name)| name)
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        add("name", self.name.into());
        add("durationMs", milliseconds(self.duration).into());
        match &self.outcome {
            CheckOutcome::Passed => add("outcome", "passed".into()),
            CheckOutcome::Failed { message, location } => {
                add("outcome", "failed".into());
                add("message", message.as_str().into());
                add("location", location.as_str().into());
            }
            CheckOutcome::Skipped { reason } => {
                add("outcome", "skipped".into());
                add("reason", reason.as_str().into());
            }
        }
        Value::Object(members)
    }
}

/// The number of results of each kind.
struct OutcomeCounts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

fn count(results: &[CheckResult]) -> OutcomeCounts {
    let count = |is: fn(&CheckOutcome) -> bool| results.iter().filter(|result| is(&result.outcome)).count();
    OutcomeCounts {
        passed: count(|outcome| matches!(outcome, CheckOutcome::Passed)),
        failed: count(|outcome| matches!(outcome, CheckOutcome::Failed { .. })),
        skipped: count(|outcome| matches!(outcome, CheckOutcome::Skipped { .. })),
    }
}

impl Display for OutcomeCounts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let all = [(self.passed, "passed"), (self.failed, "FAILED"), (self.skipped, "skipped")];
        let words: Vec<String> =
            all.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        formatter.write_str(&words.join(", "))
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "SCIM acceptance checks of {}", self.base_url)?;
        for results in self.results.chunk_by(|one, next| one.module() == next.module()) {
            let module = results.first().map_or("", CheckResult::module);
            writeln!(formatter, "\n{module:<40} {}", count(results))?;
            for result in results {
                result.fmt(formatter)?;
            }
        }
        let all = self.results.len();
        let seconds = self.duration.as_secs_f64();
        writeln!(formatter, "\n{all} checks in {seconds:.1} s: {}", count(&self.results))
    }
}

/// Writes the lines about a check that did not pass.
impl Display for CheckResult {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            CheckOutcome::Passed => Ok(()),
            CheckOutcome::Skipped { reason } => writeln!(formatter, "  skipped {}: {reason}", self.short_name()),
            CheckOutcome::Failed { message, location } => {
                writeln!(formatter, "  FAILED  {}", self.short_name())?;
                for line in message.trim_end().lines() {
                    writeln!(formatter, "          {line}")?;
                }
                writeln!(formatter, "          at {location}")
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
