//! Retries a change that lost a race against another one (optimistic concurrency), within the time that a client
//! waits.

use std::time::{Duration, Instant};

use protocol::Error;
use schema::Kind;
use store::{Backoff, Commit, CommitState, Error as StoreError, Keys};

use crate::error::to_client_error;
use crate::keys::uniqueness_error;
use crate::{Context, pending};

/// How long a change is retried after its first attempt began.
const RETRY_WINDOW: Duration = Duration::from_secs(15);
/// Upper bound of the first pause, in milliseconds.
const FIRST_PAUSE_MS: u64 = 60;
/// Upper bound of the jittered backoff, in milliseconds. It doubles after each conflict, so that the retries of
/// many writers spread out.
const MAX_PAUSE_MS: u64 = 800;

/// The longest time that a commit takes: after it, the store stops its retries and returns an error.
pub(crate) const COMMIT_BUDGET: Duration = Duration::from_secs(protocol::limits::COMMIT_SECONDS);
/// Time reserved before the response deadline; work that starts earlier is expected to finish.
const RESPONSE_MARGIN: Duration = Duration::from_secs(4);

/// The attempts to commit one change.
pub(crate) struct RetryLoop {
    started: Instant,
    /// When the response has to be ready.
    deadline: Instant,
    backoff: Backoff,
    /// The name that the resource has had belongs to another one.
    old_name_is_lost: bool,
    /// The members of the change are too large for one transaction.
    in_chunks: bool,
}

impl RetryLoop {
    pub(crate) fn new(context: &Context<'_>) -> Self {
        Self {
            started: Instant::now(),
            deadline: context.exchange.deadline,
            backoff: Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS),
            old_name_is_lost: false,
            in_chunks: false,
        }
    }

    /// Whether the members of the change are too large to be changed in its commit.
    pub(crate) fn in_chunks(&self) -> bool {
        self.in_chunks
    }

    /// The keys that a change frees, if they are those of the resource.
    pub(crate) fn keys_to_free(&self, keys: Keys) -> Keys {
        if self.old_name_is_lost { Keys { name: String::new(), ..keys } } else { keys }
    }

    /// The last instant at which another attempt may begin.
    pub(crate) fn commit_deadline(&self) -> Instant {
        before(self.deadline, COMMIT_BUDGET).min(self.started + RETRY_WINDOW)
    }

    /// The last instant at which work other than the response may begin.
    pub(crate) fn response_deadline(&self) -> Instant {
        before(self.deadline, RESPONSE_MARGIN)
    }

    /// Commits a change. A large one is aborted as contended if too little time is left for its transaction once
    /// its chunks are written.
    pub(crate) async fn commit(&self, context: &Context<'_>, commit: &Commit) -> Result<CommitState, StoreError> {
        let prepared = context.directory.prepare(context.exchange.caller, commit, self.in_chunks).await?;
        if Instant::now() < before(self.deadline, COMMIT_BUDGET) || !prepared.is_large() {
            return context.directory.send(prepared).await;
        }
        context.directory.abort(prepared).await;
        Err(StoreError::Contended)
    }

    /// Prepares another attempt after a failed commit of an existing resource: finishes the deletes of members that
    /// are gone, and pauses.
    ///
    /// # Errors
    /// The error of the commit, if another attempt would fail in the same way; the errors of
    /// [`RetryLoop::backoff`].
    pub(crate) async fn recover(&mut self, context: &Context<'_>, kind: Kind, error: StoreError) -> Result<(), Error> {
        match error {
            StoreError::Stale => {}
            StoreError::TooLargeTogether if !self.in_chunks => {
                self.in_chunks = true;
                return Ok(());
            }
            StoreError::OldNameLost if !self.old_name_is_lost => self.old_name_is_lost = true,
            StoreError::MembersNotFound(gone) => {
                for id in &gone {
                    pending::finish_pending(context, id, self.commit_deadline()).await?;
                }
            }
            StoreError::Missing => return Err(Error::not_found(kind)),
            StoreError::NameTaken => return Err(uniqueness_error(kind)),
            error => return Err(to_client_error(error)),
        }
        self.backoff().await
    }

    /// Pauses for a random time after another change came first.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] after [`RetryLoop::commit_deadline`].
    pub(crate) async fn backoff(&mut self) -> Result<(), Error> {
        if Instant::now() >= self.commit_deadline() {
            return Err(to_client_error(StoreError::Contended));
        }
        self.backoff.wait().await;
        Ok(())
    }
}

fn before(deadline: Instant, time: Duration) -> Instant {
    deadline.checked_sub(time).unwrap_or(deadline)
}
