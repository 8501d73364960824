//! Deleting the edges of a deleted resource: those of its members, if it was a group, and those of its groups.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schema::{Kind, ResourceId};

use super::apply::{Progress, progress};
use super::chunk::Chunk;
use super::edge_changes::EdgeChanges;
use super::group_version::{GroupVersion, leave_group_actions};
use super::member::Member;
use super::split::split_into_chunks;
use super::state::{SettleState, SettleTask};
use crate::attributes::{Item, number};
use crate::change_record::new_change_id;
use crate::clock::{now_ms, now_rfc3339};
use crate::item;
use crate::key::{self, Key};
use crate::read::query::CollectionQuery;
use crate::retry::RetryBudget;
use crate::transaction::action::{self, ConditionFailure};
use crate::transaction::transact::TransactError;
use crate::{Directory, Error, StoredResource};

/// The number of edges of a deleted group that are read at a time.
const EDGES_PER_ROUND: usize = 1000;

/// What a search for the edges of a deleted resource has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EdgeSearch {
    NothingFound,
    /// All edges that were found are deleted.
    Deleted,
    /// The deadline came first.
    OutOfTime,
}

impl Directory {
    /// Deletes all edges that can be found. No new ones appear: a deleted resource gains no member and joins no
    /// group.
    pub(super) async fn settle_delete(&self, task: SettleTask<'_>) -> Result<SettleState, Error> {
        let mut edges = match task.item.kind {
            Kind::User => EdgeSearch::NothingFound,
            Kind::Group if !self.cancel_chunks(task).await? => EdgeSearch::OutOfTime,
            Kind::Group => self.delete_member_edges(task).await?,
        };
        if edges != EdgeSearch::OutOfTime {
            edges = edges.max(self.leave_all_groups(task).await?);
        }
        match edges {
            EdgeSearch::OutOfTime => Ok(SettleState::Unfinished),
            EdgeSearch::Deleted => self.end_delete(task, None).await,
            EdgeSearch::NothingFound => self.end_delete(task, task.item.empty_at).await,
        }
    }

    /// Ends the pending state of a delete whose edges are all deleted. DynamoDB may not show an edge yet that was
    /// written before the delete, and may still show one that another caller has deleted. So no edge has to be found
    /// once more when everything is visible. `empty_at` is the time since which none was found.
    async fn end_delete(&self, task: SettleTask<'_>, empty_at: Option<u64>) -> Result<SettleState, Error> {
        let empty_at = match empty_at {
            Some(empty_at) => empty_at,
            None => self.note_empty(task).await?,
        };
        let torn_ms = u64::try_from(self.torn_time.as_millis()).unwrap_or(u64::MAX);
        if now_ms() < empty_at.saturating_add(torn_ms) {
            return Ok(SettleState::Waiting);
        }
        let pending = Key::pending_changes(task.tenant, task.id);
        let as_noted = ("#emptyAt = :emptyAt", Item::from([("emptyAt".to_owned(), number(empty_at))]));
        let delete = action::delete(&self.table, &pending, Some(as_noted), ConditionFailure::AlreadyApplied)?;
        self.apply_once(&[delete]).await.map(|_| SettleState::Done)
    }

    /// Stores the time at which no edge of a deleted resource was found any more. Returns this time, in milliseconds
    /// since 1970.
    async fn note_empty(&self, task: SettleTask<'_>) -> Result<u64, Error> {
        let now = now_ms();
        let pending = Key::pending_changes(task.tenant, task.id);
        let mut values = Item::from([("emptyAt".to_owned(), number(now))]);
        values.extend(task.item.empty_at.map(|before| ("before".to_owned(), number(before))));
        let condition = match task.item.empty_at {
            None => "attribute_exists(pk) AND attribute_not_exists(#emptyAt)",
            Some(_) => "#emptyAt = :before",
        };
        let (set, condition) = ("SET #emptyAt = :emptyAt", Some(condition));
        let note = action::update(&self.table, &pending, set, condition, values, ConditionFailure::AlreadyApplied)?;
        self.apply_once(&[note]).await.map(|_| now)
    }

    /// Marks the chunks of the group's pending change as applied without changing an edge, so that no other caller
    /// can apply them any more, and waits for those that other callers are applying. Returns `false` if that takes too
    /// long.
    async fn cancel_chunks(&self, task: SettleTask<'_>) -> Result<bool, Error> {
        let Some(change) = &task.item.change else { return Ok(true) };
        let change = item::id(change)?;
        let nothing = EdgeChanges::default();
        let mut retries = RetryBudget::of_bulk_call();
        loop {
            let chunks = self.chunks(task.tenant, &change).await?;
            let (applied, open): (Vec<Chunk>, Vec<Chunk>) = chunks.into_iter().partition(|chunk| chunk.applied);
            let progress = progress(open.iter().map(|chunk| self.apply(task, Some(chunk), &nothing)).collect()).await?;
            // An applied chunk may be visible before its edges, which have to be deleted, too.
            if progress == Progress::Done && self.are_fully_written(task, &applied).await? {
                return Ok(true);
            }
            if progress == Progress::OutOfTime || task.is_past_deadline() || !retries.wait().await {
                return Ok(false);
            }
        }
    }

    async fn delete_member_edges(&self, task: SettleTask<'_>) -> Result<EdgeSearch, Error> {
        let mut edges = EdgeSearch::NothingFound;
        loop {
            let query = CollectionQuery::all(key::members(task.tenant, task.id));
            let items = self.query(query, Some(EDGES_PER_ROUND)).await?;
            if items.is_empty() {
                return Ok(edges);
            }
            edges = EdgeSearch::Deleted;
            let remove: Vec<Member> = items.into_iter().map(Member::from_item).collect::<Result<_, _>>()?;
            let chunks = split_into_chunks(&EdgeChanges { remove, ..EdgeChanges::default() });
            let deletes = chunks.iter().map(|edges| self.apply(task, None, edges)).collect();
            if progress(deletes).await? == Progress::OutOfTime {
                return Ok(EdgeSearch::OutOfTime);
            }
        }
    }

    async fn leave_all_groups(&self, task: SettleTask<'_>) -> Result<EdgeSearch, Error> {
        let mut edges = EdgeSearch::NothingFound;
        loop {
            let groups = self.groups_to_leave(task).await?;
            if groups.is_empty() {
                return Ok(edges);
            }
            edges = EdgeSearch::Deleted;
            let left = groups.iter().map(|group| self.leave_group(task, group)).collect();
            if progress(left).await? == Progress::OutOfTime {
                return Ok(EdgeSearch::OutOfTime);
            }
        }
    }

    /// The groups to which the deleted resource has edges. A query may not yet show an edge that was written just
    /// before the delete, so a transaction reads the edges to the groups that the delete names.
    async fn groups_to_leave(&self, task: SettleTask<'_>) -> Result<Vec<ResourceId>, Error> {
        let mut groups = self.group_edges(task.tenant, task.id).await?;
        let named = task.item.groups.iter().map(|group| item::id(group)).collect::<Result<Vec<_>, _>>()?;
        let hidden: Vec<ResourceId> = named.into_iter().filter(|group| !groups.contains(group)).collect();
        if !hidden.is_empty() {
            let keys: Vec<Key> = hidden.iter().map(|group| Key::member_of(task.tenant, task.id, group)).collect();
            let edges = self.read_together(&keys).await?;
            groups.extend(hidden.into_iter().zip(edges).filter_map(|(group, edge)| edge.map(|_| group)));
        }
        Ok(groups)
    }

    /// Removes the deleted resource from a group. The future is boxed because it completes the group's own pending
    /// change first, which may lead here again.
    fn leave_group<'a>(
        &'a self,
        task: SettleTask<'a>,
        group: &'a ResourceId,
    ) -> BoxFuture<'a, Result<Progress, Error>> {
        async move {
            let mut retries = RetryBudget::new();
            loop {
                if task.is_past_deadline() {
                    return Ok(Progress::OutOfTime);
                }
                if let Some(progress) = self.try_leave_group(task, group).await? {
                    return Ok(progress);
                }
                if !retries.wait().await {
                    return Err(Error::Contended);
                }
            }
        }
        .boxed()
    }

    /// Tries once to remove the deleted resource from a group. Returns `None` if the group has to be read again.
    async fn try_leave_group(&self, task: SettleTask<'_>, group: &ResourceId) -> Result<Option<Progress>, Error> {
        let Some(stored) = self.get_isolated_if_absent(task, group).await? else {
            return self.delete_stale_edge_pair(task, group).await.map(|()| Some(Progress::Done));
        };
        if stored.member_summary.pending.is_some() {
            let state = self.settle(task.tenant, group, task.deadline).await?;
            return Ok((state == SettleState::Unfinished).then_some(Progress::OutOfTime));
        }
        let exit = GroupVersion { group: stored.id, version: stored.version, last_modified: stored.last_modified };
        match self.leave_group_version(task, &exit).await {
            Ok(()) => return Ok(Some(Progress::Done)),
            Err(Error::Stale) => {}
            Err(error) => return Err(error),
        }
        let edge = self.read_together(&[Key::member(task.tenant, group, task.id)]).await?;
        if edge.iter().all(Option::is_none) {
            return self.delete_stale_edge_pair(task, group).await.map(|()| Some(Progress::Done));
        }
        Ok(None)
    }

    /// Reads a group. DynamoDB may show the edges of a group that is being created before the group, so that only a read
    /// by a transaction shows that there is none.
    async fn get_isolated_if_absent(
        &self,
        task: SettleTask<'_>,
        group: &ResourceId,
    ) -> Result<Option<StoredResource>, Error> {
        let found = self.get(task.tenant, Kind::Group, group).await?;
        if found.is_some() {
            return Ok(found);
        }
        let item = self.read_isolated(&Key::resource(task.tenant, Kind::Group, group)).await?;
        item.map(|item| item::stored(Kind::Group, item)).transpose()
    }

    async fn leave_group_version(&self, task: SettleTask<'_>, exit: &GroupVersion) -> Result<(), Error> {
        let id = new_change_id()?;
        let actions = leave_group_actions(&self.table, task.tenant, task.id, exit, &now_rfc3339(), &id)?;
        let removed = vec![task.id.to_string()];
        let record = self.group_change_record(task, &id, exit, removed)?;
        let actions: Vec<_> = actions.into_iter().chain([record]).collect();
        match self.transact(&actions).await {
            Ok(()) | Err(TransactError::AlreadyApplied) => Ok(()),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => Err(error),
        }
    }

    /// Deletes the remaining edges to a group that does not exist, or has lost this member already.
    async fn delete_stale_edge_pair(&self, task: SettleTask<'_>, group: &ResourceId) -> Result<(), Error> {
        let edges = [Key::member(task.tenant, group, task.id), Key::member_of(task.tenant, task.id, group)];
        let delete = |key: &Key| action::delete(&self.table, key, None, ConditionFailure::Unexpected);
        let deletes: Vec<_> = edges.iter().map(delete).collect::<Result<_, _>>()?;
        self.apply_once(&deletes).await.map(drop)
    }
}
