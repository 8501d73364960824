//! Trying again after a lost race (optimistic concurrency), within the time that a client waits.

use std::time::{Duration, Instant};

use protocol::Error;
use store::{Commit, CommitState, Error as StoreError};

use crate::Context;
use crate::failure::failed;

const DEADLINE: Duration = Duration::from_secs(15);
const SHORTEST_MS: u64 = 5;
/// The longest pause doubles with each loss, up to this: the more there are who want the same, the less often each asks.
const LONGEST_MS: u64 = 800;

/// What a commit may take at worst: DynamoDB is given up after as long.
pub(crate) const COMMIT: Duration = Duration::from_secs(8);
/// What is begun so long before the answer has to be ready is over by then, unless DynamoDB hardly answers.
const LAST: Duration = Duration::from_secs(4);

/// The tries of one change.
pub(crate) struct Contest {
    begun: Instant,
    /// When the answer has to be ready.
    end: Instant,
    longest_ms: u64,
}

impl Contest {
    pub(crate) fn new(context: &Context<'_>) -> Self {
        Contest { begun: Instant::now(), end: context.deadline, longest_ms: 30 }
    }

    /// Until when it goes on.
    pub(crate) fn until(&self) -> Instant {
        before(self.end, COMMIT).min(self.begun + DEADLINE)
    }

    /// Until when there is time for more than the answer.
    pub(crate) fn answer(&self) -> Instant {
        before(self.end, LAST)
    }

    /// Commits a change, unless the time was over before all of it was prepared.
    pub(crate) async fn commit(&self, context: &Context<'_>, commit: &Commit) -> Result<CommitState, StoreError> {
        let prepared = context.directory.prepare(context.caller, commit).await?;
        if Instant::now() < before(self.end, COMMIT) || !prepared.is_large() {
            return context.directory.send(prepared).await;
        }
        context.directory.abort(prepared).await;
        Err(StoreError::Contended)
    }

    /// Waits a moment, at random, after another change came first.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] once the time is over.
    pub(crate) async fn lost(&mut self) -> Result<(), Error> {
        if Instant::now() >= self.until() {
            return Err(failed(StoreError::Contended));
        }
        self.longest_ms = (self.longest_ms * 2).min(LONGEST_MS);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(SHORTEST_MS..self.longest_ms))).await;
        Ok(())
    }
}

fn before(end: Instant, time: Duration) -> Instant {
    end.checked_sub(time).unwrap_or(end)
}
