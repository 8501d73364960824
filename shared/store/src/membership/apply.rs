//! Completing a pending change. Any caller may do it, several may do it at once, and each may stop anywhere,
//! because every transaction does its share exactly once.

use std::collections::BTreeSet;
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue::{Bool, S};
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::chunk::{self, Chunk};
use super::edge_changes::{EdgeChanges, delete_edge_pair};
use super::edge_state::EdgeState;
use super::group_version::GroupVersion;
use super::split::halves;
use super::state::{SettleState, SettleTask};
use crate::attributes::{Item, number};
use crate::change_record::new_change_id;
use crate::clock::{now_ms, now_rfc3339, now_seconds};
use crate::item::{self, PendingItem};
use crate::key::Key;
use crate::record_id::RecordId;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::transaction::transact::TransactError;
use crate::{Backoff, Directory, Error, StoredResource, format};

/// The bound of the pauses after a transaction whose own retries are used up, in milliseconds.
const PAUSE_MS: u64 = 400;
/// The number of transactions that one caller sends at the same time.
const MAX_CONCURRENT_TRANSACTIONS: usize = 8;

impl Directory {
    /// Completes the pending changes of a resource: a large change of its members, or, after its delete, the delete
    /// of its edges. It may be called at any time, and starts nothing after `deadline`.
    ///
    /// # Errors
    /// `Throttled`, `Contended`, `Unavailable`, `Refused`, `Corrupt`. Chunks that were applied before stay applied.
    pub async fn settle(&self, tenant: &Tenant, id: &ResourceId, deadline: Instant) -> Result<SettleState, Error> {
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        for round in 0.. {
            if round > 1 {
                // The pending item stays, as in a table that was restored to the middle of a commit.
                backoff.wait().await;
            }
            let Some(item) = self.read(&Key::pending_changes(tenant, id)).await? else { break };
            let item: PendingItem = item::body(item)?;
            let task = SettleTask { tenant, id, item: &item, deadline };
            if task.is_past_deadline() {
                return Ok(SettleState::Unfinished);
            }
            let state = match &item.change {
                Some(change) if !item.deleted => self.settle_members(task, &item::id(change)?).await?,
                _ => self.settle_delete(task).await?,
            };
            if state != SettleState::Done {
                return Ok(state);
            }
        }
        Ok(SettleState::Done)
    }

    async fn settle_members(&self, task: SettleTask<'_>, change: &ResourceId) -> Result<SettleState, Error> {
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        loop {
            let chunks = self.chunks(task.tenant, change).await?;
            if chunks.len() < task.item.chunks {
                // Without them, no caller can complete the change. The check of the table completes it with the chunks
                // that exist.
                return Err(Error::Unavailable(
                    "chunks of a pending change are missing; run DirectoryCheck".to_owned(),
                ));
            }
            let (applied, mut open): (Vec<Chunk>, Vec<Chunk>) = chunks.into_iter().partition(|chunk| chunk.applied);
            // Other callers may do the same at the same time.
            fastrand::shuffle(&mut open);
            let work = open.iter().map(|chunk| self.apply(task, Some(chunk), &chunk.edges)).collect::<Vec<_>>();
            let progress = progress(work).await?;
            if progress == Progress::OutOfTime || task.is_past_deadline() {
                return Ok(SettleState::Unfinished);
            }
            // Other callers may still be applying chunks: DynamoDB can show the mark of a chunk and not yet its edges.
            if progress == Progress::Done && self.are_fully_written(task, &applied).await? {
                return self.complete(task, change).await;
            }
            backoff.wait().await;
        }
    }

    /// Ends the pending state of a large change. It first writes the time at which the tenant's last change was
    /// completed: a reader that sees no pending change has to see that one was pending a moment ago.
    async fn complete(&self, task: SettleTask<'_>, change: &ResourceId) -> Result<SettleState, Error> {
        let this_change = || Item::from([("change".to_owned(), S(change.to_string()))]);
        let now =
            Item::from([("settled".to_owned(), number(now_ms())), (format::ATTRIBUTE.to_owned(), format::value())]);
        let group = Key::resource(task.tenant, Kind::Group, task.id);
        let pending = Key::pending_changes(task.tenant, task.id);
        let last = Key::last_settled(task.tenant);
        let done = ConditionFailure::AlreadyApplied;
        let is_pending = Some("#pending = :change");
        let set = "SET #settled = :settled, #format = :format";
        self.apply_once(&[action::update(&self.table, &last, set, None, now, ConditionFailure::Unexpected)?]).await?;
        let actions = [
            action::update(&self.table, &group, "REMOVE #pending", is_pending, this_change(), done.clone())?,
            action::delete(&self.table, &pending, Some(("#change = :change", this_change())), done)?,
        ];
        self.apply_once(&actions).await.map(|_| SettleState::Done)
    }

    /// Applies changes to the edges by one transaction, which also marks the chunk of these changes as applied.
    pub(super) async fn apply(
        &self,
        task: SettleTask<'_>,
        chunk: Option<&Chunk>,
        edges: &EdgeChanges,
    ) -> Result<Progress, Error> {
        let mut actions = edges.actions(&self.table, task.tenant, task.id)?;
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        loop {
            if task.is_past_deadline() {
                return Ok(Progress::OutOfTime);
            }
            actions.extend(chunk.map(|chunk| self.mark_applied(chunk)).transpose()?);
            if actions.is_empty() {
                return Ok(Progress::Done);
            }
            match Self::outcome(self.transact_unless_conflict(&actions).await) {
                Ok(ApplyOutcome::Applied) => return Ok(Progress::Done),
                // The chunk may have been split instead.
                Ok(ApplyOutcome::AlreadyApplied) => return Ok(Progress::Changed),
                Ok(ApplyOutcome::EdgesChanged) => match self.corrected_actions(task, chunk.is_some(), edges).await? {
                    Some(corrected) => actions = corrected,
                    None => return Ok(Progress::Done),
                },
                // Nothing was written, so the same actions are tried again until the deadline.
                Err(Error::Throttled | Error::Contended) => {
                    backoff.wait().await;
                    if self.has_changed(chunk).await? {
                        return Ok(Progress::Changed);
                    }
                    actions = edges.actions(&self.table, task.tenant, task.id)?;
                }
                Err(Error::TooLargeTogether) if edges.len() > 1 => {
                    return self.split_and_apply(task, chunk, edges).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Splits changes whose members are too large for one transaction. The changes of a chunk are applied when its
    /// halves are read.
    async fn split_and_apply(
        &self,
        task: SettleTask<'_>,
        chunk: Option<&Chunk>,
        edges: &EdgeChanges,
    ) -> Result<Progress, Error> {
        if let Some(chunk) = chunk {
            return self.split_chunk(task.tenant, chunk).await.map(|()| Progress::Changed);
        }
        let mut progress = Progress::Done;
        for half in halves(edges) {
            progress = progress.max(Box::pin(self.apply(task, None, &half)).await?);
        }
        Ok(progress)
    }

    pub(super) async fn apply_once(&self, actions: &[WriteAction]) -> Result<ApplyOutcome, Error> {
        Self::outcome(self.transact(actions).await)
    }

    fn outcome(sent: Result<(), TransactError>) -> Result<ApplyOutcome, Error> {
        match sent {
            Ok(()) => Ok(ApplyOutcome::Applied),
            Err(TransactError::AlreadyApplied) => Ok(ApplyOutcome::AlreadyApplied),
            Err(TransactError::Permanent(Error::Stale | Error::MembersNotFound(_))) => Ok(ApplyOutcome::EdgesChanged),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => Err(error),
        }
    }

    /// The action that marks a chunk as applied. It succeeds once. The chunk keeps only the ids of the members, because
    /// the display name of a deleted user may not outlive the user.
    pub(crate) fn mark_applied(&self, chunk: &Chunk) -> Result<WriteAction, Error> {
        let (unchanged, values_as_read) = chunk.unchanged_condition();
        let mut values = chunk::ids_only(&chunk.edges)?;
        values.extend(values_as_read);
        values.extend([
            ("yes".to_owned(), Bool(true)),
            ("now".to_owned(), number(now_seconds())),
            ("expires".to_owned(), number(self.change_expiry())),
        ]);
        let set = "SET #applied = :yes, #appliedAt = :now, #expires = :expires, #add = :add, #show = :show, \
                   #remove = :remove";
        action::update(&self.table, &chunk.key, set, Some(unchanged), values, ConditionFailure::AlreadyApplied)
    }

    /// Recomputes the actions from the edges that exist now, because members may have been deleted since the
    /// commit, and corrects the group's member count if it was changed by the commit (`is_counted`). Returns `None`
    /// if the group does not exist.
    async fn corrected_actions(
        &self,
        task: SettleTask<'_>,
        is_counted: bool,
        edges: &EdgeChanges,
    ) -> Result<Option<Vec<WriteAction>>, Error> {
        let state = self.read_edge_state(task, edges).await?;
        let mut actions = state.edges.actions(&self.table, task.tenant, task.id)?;
        for orphan in &state.orphans {
            actions.extend(delete_edge_pair(&self.table, task.tenant, task.id, orphan)?);
        }
        if !is_counted {
            return Ok(Some(actions));
        }
        let Some(group) = self.get(task.tenant, Kind::Group, task.id).await? else { return Ok(None) };
        let removed = edges.remove.iter().filter(|member| state.orphans.contains(&member.id)).cloned().collect();
        let orphans = EdgeChanges { remove: removed, ..EdgeChanges::default() };
        let count_delta = state.edges.count_delta() + orphans.count_delta() - edges.count_delta();
        let checksum_delta = state.edges.checksum_delta() + orphans.checksum_delta() - edges.checksum_delta();
        if count_delta != 0 || checksum_delta != 0 {
            let lost = state.lost(edges).map(|member| member.id.to_string()).collect();
            actions.extend(self.correct_group(task, group, count_delta, checksum_delta, lost)?);
        }
        Ok(Some(actions))
    }

    /// The actions that correct the member count and the checksum of a group, by a new version with a change record.
    fn correct_group(
        &self,
        task: SettleTask<'_>,
        group: StoredResource,
        count_delta: i64,
        checksum_delta: i64,
        lost: Vec<String>,
    ) -> Result<[WriteAction; 2], Error> {
        let record = new_change_id()?;
        let at = now_rfc3339().max(group.last_modified.clone());
        let values = Item::from([
            ("countDelta".to_owned(), number(count_delta)),
            ("checksumDelta".to_owned(), number(checksum_delta)),
            ("next".to_owned(), number(group.version + 1)),
            ("expected".to_owned(), number(group.version)),
            ("at".to_owned(), S(at)),
            ("record".to_owned(), RecordId::of(&record).value()),
        ]);
        let set = "SET #memberCount = #memberCount + :countDelta, #memberMarks = #memberMarks + :checksumDelta, \
                   #version = :next, #lastModified = :at, #record = :record";
        let key = Key::resource(task.tenant, Kind::Group, task.id);
        let condition = Some("#version = :expected");
        let update = action::update(&self.table, &key, set, condition, values, ConditionFailure::EdgeChanged)?;
        let before = GroupVersion { group: group.id, version: group.version, last_modified: group.last_modified };
        Ok([update, self.group_change_record(task, &record, &before, lost)?])
    }

    async fn read_edge_state(&self, task: SettleTask<'_>, edges: &EdgeChanges) -> Result<EdgeState, Error> {
        let members = edges.add.iter().chain(&edges.update).chain(&edges.remove);
        let ids: Vec<ResourceId> = members.map(|member| member.id.clone()).collect();
        let present = self.members_among(task.tenant, task.id, &ids);
        let (present, kinds) = try_join(present, self.existing(task.tenant, &ids)).await?;
        let present: BTreeSet<ResourceId> = present.into_iter().map(|member| member.id).collect();
        Ok(EdgeState::of(edges, &present, &kinds))
    }
}

/// The outcome of a transaction that applies changes to edges.
pub(super) enum ApplyOutcome {
    Applied,
    /// Another caller has applied the same changes.
    AlreadyApplied,
    /// An edge or a member is not in the state that the actions expect.
    EdgesChanged,
}

/// The state of a piece of work when its call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Done,
    /// The caller has to read the rest of the work again: another caller has done a part of it, or it was split.
    Changed,
    /// The deadline came first.
    OutOfTime,
}

/// Runs several pieces of work at the same time. Returns the progress of the one that is furthest from its end.
pub(super) async fn progress(work: Vec<impl Future<Output = Result<Progress, Error>>>) -> Result<Progress, Error> {
    let results = stream::iter(work).buffer_unordered(MAX_CONCURRENT_TRANSACTIONS);
    results.try_fold(Progress::Done, |least, one| async move { Ok(least.max(one)) }).await
}
