//! Sending a commit: the chunks of a large one first, then its transaction.

use protocol::Caller;

use super::plan::{CommitPlan, plan_commit};
use super::request::{Commit, CommitState};
use crate::transaction::transact::TransactError;
use crate::{Directory, Error};

/// A commit whose chunks are written and whose transaction has not been sent.
#[must_use = "a prepared commit has to be sent or aborted"]
pub struct PreparedCommit<'a> {
    caller: &'a Caller,
    commit: &'a Commit,
    plan: CommitPlan,
}

impl PreparedCommit<'_> {
    /// Whether the commit has chunks, which are written already.
    pub fn is_large(&self) -> bool {
        !self.plan.chunks.is_empty()
    }
}

impl Directory {
    /// Commits a change, or changes nothing: [`Directory::prepare`] and [`Directory::send`].
    ///
    /// # Errors
    /// The errors of [`Directory::prepare`] and of [`Directory::send`].
    pub async fn commit(&self, caller: &Caller, commit: &Commit) -> Result<CommitState, Error> {
        self.send(self.prepare(caller, commit, false).await?).await
    }

    /// Lists a large commit as unfinished and writes its chunks. Readers ignore them before the commit. With
    /// `in_chunks`, any change of members is a large one, because the members are too large for one transaction; then
    /// no condition of the commit checks the members that the caller has read.
    ///
    /// # Errors
    /// `TooLarge` (nothing was sent), `Throttled`, `Unavailable`, `Refused`.
    pub async fn prepare<'a>(
        &self,
        caller: &'a Caller,
        commit: &'a Commit,
        in_chunks: bool,
    ) -> Result<PreparedCommit<'a>, Error> {
        let plan = plan_commit(&self.table, caller, commit, self.change_expiry(), in_chunks)?;
        if !plan.chunks.is_empty() {
            self.list_prepared(caller, &commit.id, &commit.change.id).await?;
            self.write_chunks(&caller.tenant, &commit.change.id, &plan.chunks).await?;
        }
        Ok(PreparedCommit { caller, commit, plan })
    }

    /// Sends a prepared commit, which is applied as a whole or changes nothing. Conflicts with concurrent changes
    /// are retried for a few seconds.
    ///
    /// # Errors
    /// `NameTaken`, `Stale` and `Missing` (of the resource), `MembersNotFound`, `TooLargeTogether`, `Contended`,
    /// `Throttled`, `Refused`, `Corrupt`. After `Unavailable` it is unknown whether the commit was applied.
    pub async fn send(&self, prepared: PreparedCommit<'_>) -> Result<CommitState, Error> {
        match self.transact(&prepared.plan.actions).await {
            Ok(()) | Err(TransactError::AlreadyApplied) => Ok(prepared.plan.state),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => {
                if !matches!(error, Error::Unavailable(_)) {
                    self.abort(prepared).await;
                }
                Err(error)
            }
        }
    }

    /// Aborts a prepared commit: an attempt that DynamoDB applies late cannot commit it any more, and its chunks are
    /// deleted. It stays on the list of unfinished changes, so that chunks that DynamoDB writes late are deleted, too.
    pub async fn abort(&self, prepared: PreparedCommit<'_>) {
        if !prepared.is_large() {
            return;
        }
        let tenant = &prepared.caller.tenant;
        let change = &prepared.commit.change.id;
        let aborted = async {
            if self.forbid_commit(change).await? {
                self.delete_chunks(tenant, change).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = aborted.await {
            tracing::warn!(cause = %error, "failed to delete the chunks of an aborted change; they are deleted later");
        }
    }
}
