//! Selects checks, and runs several of them at the same time.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::Check;
use crate::panics;
use crate::report::{CheckOutcome, CheckResult, Report};
use crate::target::Target;

/// The checks that a run selects, and how it runs them.
pub struct Selection {
    /// Parts of names; a check runs if its name contains one of them. Without any, every check runs.
    pub only: Vec<String>,
    /// Parts of names of checks that do not run.
    pub skip: Vec<String>,
    /// How many checks run at the same time. Checks that need an empty directory run first and alone.
    pub jobs: usize,
    /// Whether the run keeps the resources that the checks create.
    pub keeps_resources: bool,
    /// The function that is called after each check, with the number of checks that have ended and the number of
    /// all selected checks.
    pub progress: fn(usize, usize, &CheckResult),
}

impl Default for Selection {
    fn default() -> Self {
        Self { only: Vec::new(), skip: Vec::new(), jobs: 4, keeps_resources: false, progress: |_, _, _| {} }
    }
}

impl Selection {
    /// Whether a check is selected.
    #[must_use]
    pub fn selects(&self, check: &Check) -> bool {
        let names = |parts: &[String]| parts.iter().any(|part| check.name.contains(part.as_str()));
        (self.only.is_empty() || names(&self.only)) && !names(&self.skip)
    }
}

/// Runs the selected checks of a target. The report contains the outcome of every check, whatever the server does.
#[must_use]
pub fn run(target: &Target, selection: &Selection) -> Report {
    let started = Instant::now();
    let selected: Vec<&Check> = crate::checks().filter(|check| selection.selects(check)).collect();
    let (alone, together): (Vec<&Check>, Vec<&Check>) = selected.iter().partition(|check| check.is_exclusive());
    let results = Mutex::new(Vec::with_capacity(selected.len()));
    let run_one = |check: &Check| {
        let result = check.result(target, selection.keeps_resources);
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.push(result);
        if let Some(result) = results.last() {
            (selection.progress)(results.len(), selected.len(), result);
        }
    };
    alone.into_iter().for_each(run_one);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..selection.jobs.max(1) {
            scope.spawn(|| {
                while let Some(check) = together.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_one(check);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Report::new(&target.base_url, &selected, results, started.elapsed())
}

impl Check {
    /// Runs the check once and returns its outcome.
    #[must_use]
    pub fn result(&self, target: &Target, keeps_resources: bool) -> CheckResult {
        if let Some(reason) = self.missing(target) {
            return CheckResult {
                name: self.name,
                outcome: CheckOutcome::Skipped { reason },
                duration: Duration::ZERO,
            };
        }
        let target = target.for_one_check();
        let started = Instant::now();
        let outcome = match panics::catch(|| self.run(&target)) {
            Ok(()) => CheckOutcome::Passed,
            Err(failure) => CheckOutcome::Failed { message: failure.message, location: failure.location },
        };
        let duration = started.elapsed();
        if !keeps_resources {
            target.clean_up();
        }
        CheckResult { name: self.name, outcome, duration }
    }
}
