//! Finishes the changes that requests have left unfinished. The function `settle` runs it on AWS, and `cargo run` runs
//! it in the background.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::Error;
use store::{Directory, SettleState, UnfinishedChange, now_ms};

use crate::error::to_client_error;

/// The number of changes that are finished at the same time.
const MAX_CONCURRENT_CHANGES: usize = 8;
/// The longest time for a change before the others have their turn.
const TURN_TIME: Duration = Duration::from_secs(45);
/// The failures of a change after which an operator has to examine it. It is then due for about an hour.
const FAILURES_TO_REPORT: u32 = 8;

/// The pause after a turn in which nothing could be done.
const PAUSE_AFTER_FAILURES: Duration = Duration::from_millis(200);

/// The numbers of changes that were finished, and that were not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CompletionReport {
    /// How many changes are complete.
    pub completed: usize,
    /// How many attempts failed. Each change is tried again after a pause.
    pub failed: usize,
    /// How many changes have now failed for so long that an operator has to examine them.
    pub stuck: usize,
}

/// Finishes all changes that are due, those of different tenants at the same time, and starts none after `until`.
///
/// # Errors
/// The errors of the store, if the list of the changes cannot be read.
pub async fn finish_changes(directory: &Directory, until: Instant) -> Result<CompletionReport, Error> {
    let mut finished = CompletionReport::default();
    while Instant::now() < until {
        let due = directory.unfinished_changes(now_ms()).await.map_err(to_client_error)?;
        if due.is_empty() {
            break;
        }
        let deadline = until.min(Instant::now() + TURN_TIME);
        let turn = tenants_in_turn(due).into_iter().take(MAX_CONCURRENT_CHANGES);
        let outcomes = join_all(turn.map(|change| finish(directory, change, deadline))).await;
        if outcomes.iter().all(|outcome| matches!(outcome, AttemptOutcome::Failed | AttemptOutcome::Stuck)) {
            // A change that could not even be claimed is due again at once.
            tokio::time::sleep(PAUSE_AFTER_FAILURES).await;
        }
        outcomes.into_iter().for_each(|outcome| {
            finished.completed += usize::from(outcome == AttemptOutcome::Completed);
            finished.failed += usize::from(matches!(outcome, AttemptOutcome::Failed | AttemptOutcome::Stuck));
            finished.stuck += usize::from(outcome == AttemptOutcome::Stuck);
        });
    }
    Ok(finished)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttemptOutcome {
    Completed,
    Unfinished,
    Failed,
    Stuck,
}

async fn finish(directory: &Directory, change: UnfinishedChange, deadline: Instant) -> AttemptOutcome {
    let tenant = change.tenant.as_str();
    let resource = &change.resource;
    let failures = change.failures;
    match directory.finish_change(&change, deadline).await {
        Ok(SettleState::Done) => AttemptOutcome::Completed,
        Ok(SettleState::Unfinished | SettleState::Waiting) => AttemptOutcome::Unfinished,
        Err(cause) if failures < FAILURES_TO_REPORT => {
            tracing::warn!(tenant, %resource, failures, %cause, "failed to finish a change; it is tried again");
            AttemptOutcome::Failed
        }
        Err(cause) => {
            tracing::error!(tenant, %resource, failures, %cause, "a change cannot be finished");
            if failures == FAILURES_TO_REPORT { AttemptOutcome::Stuck } else { AttemptOutcome::Failed }
        }
    }
}

/// The changes in such an order that each tenant has its turn before any tenant has a second one.
fn tenants_in_turn(due: Vec<UnfinishedChange>) -> Vec<UnfinishedChange> {
    let mut turns: BTreeMap<(usize, usize), UnfinishedChange> = BTreeMap::new();
    let mut of_tenant: BTreeMap<String, usize> = BTreeMap::new();
    for (at, change) in due.into_iter().enumerate() {
        let turn = of_tenant.entry(change.tenant.as_str().to_owned()).or_default();
        turns.insert((*turn, at), change);
        *turn += 1;
    }
    turns.into_values().collect()
}
