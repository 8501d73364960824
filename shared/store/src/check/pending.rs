//! The examination of what is pending: large changes of members and deletions, whose items have to refer to each other
//! so that somebody completes them.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examined::{Examined, NewVersion};
use super::{Check, Problem, TOKEN};
use crate::attributes::{Item, number};
use crate::change_record::new_change_id;
use crate::changes::{change_of_item, created_at_ms};
use crate::clock::{now_ms, now_rfc3339};
use crate::expression::ABSENT;
use crate::item::{self, PendingItem};
use crate::key::Key;
use crate::membership::chunk::Chunk;
use crate::membership::edge_changes::EdgeChanges;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, SettleState, Stored, UnfinishedChange, unfinished};

/// The time for which a check works on one pending change. The function Settle completes what is left.
const SETTLE_TIME: Duration = Duration::from_secs(10);
/// The age of chunks from which on nobody is going to commit their change, in milliseconds.
const ABANDONED_MS: u64 = 1_200_000;

impl Check<'_> {
    /// Completes what is pending for a resource.
    pub(super) async fn settle(&self, tenant: &Tenant, id: &ResourceId) -> Result<(), Error> {
        match self.directory.settle(tenant, id, (Instant::now() + SETTLE_TIME).min(self.until + SETTLE_TIME)).await {
            Ok(SettleState::Done | SettleState::Unfinished)
            | Err(Error::Corrupt(_) | Error::NewerFormat | Error::Contended | Error::Unavailable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Examines the pending item of a resource. The first pass of a repair completes what is pending, as Settle does, because
    /// its membership items are compared only then.
    pub(super) async fn examine_pending(&self, tenant: &Tenant, id: &ResourceId) -> Result<Examined, Error> {
        let examined = self.examine_pending_item(tenant, id).await?;
        if examined.problems.is_empty() && self.repair && !self.with_counts {
            self.settle(tenant, id).await?;
        }
        Ok(examined)
    }

    async fn examine_pending_item(&self, tenant: &Tenant, id: &ResourceId) -> Result<Examined, Error> {
        let keys = [
            Key::pending_changes(tenant, id),
            Key::resource(tenant, Kind::User, id),
            Key::resource(tenant, Kind::Group, id),
        ];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let mut next = || items.next().flatten();
        let Some(pending) = next() else { return Ok(Examined::default()) };
        let pending: PendingItem = item::body(pending)?;
        let (user, group) = (next(), next());
        let change = pending.change.as_deref().map(item::id).transpose()?;
        if pending.deleted {
            return match (user, group) {
                (None, None) => self.examine_listed(tenant, id, None).await,
                (Some(_), _) => self.examine_deleted(tenant, Kind::User, id).await,
                (None, Some(_)) => self.examine_deleted(tenant, Kind::Group, id).await,
            };
        }
        let Some(change) = change else { return Ok(Examined::by_hand(Problem::Unreadable)) };
        let Some(group) = group else {
            let actions = self.pending_deletion(tenant, id, Some(&change), true)?.into();
            return Ok(Examined {
                problems: vec![Problem::EdgeOfNobody],
                actions,
                settle: Some(id.clone()),
                ..Examined::default()
            });
        };
        let group = item::stored(Kind::Group, group)?;
        if group.member_summary.pending.as_ref() != Some(&change) {
            return self.unknown_change(tenant, &group, &change);
        }
        let chunks = self.directory.chunks(tenant, &change).await?.len();
        if chunks < pending.chunks && self.is_pending(tenant, id, Some(&change)).await? {
            let values =
                Item::from([("parts".to_owned(), number(chunks)), ("change".to_owned(), S(change.to_string()))]);
            let (table, key) = (&self.directory.table, Key::pending_changes(tenant, id));
            let condition = Some("#change = :change");
            let update =
                action::update(table, &key, "SET #parts = :parts", condition, values, ConditionFailure::EdgeChanged)?;
            return Ok(Examined {
                problems: vec![Problem::ChunksMissing],
                actions: vec![update],
                settle: Some(id.clone()),
                ..Examined::default()
            });
        }
        self.examine_listed(tenant, id, Some(&change)).await
    }

    /// The repair of a pending change that the group does not know: the group learns of it, and it is completed.
    fn unknown_change(&self, tenant: &Tenant, group: &Stored, change: &ResourceId) -> Result<Examined, Error> {
        if group.member_summary.pending.is_some() {
            return Ok(Examined::by_hand(Problem::PendingItemAlone));
        }
        let list = unfinished::list_committed(&self.directory.table, tenant, &group.id, change, None)?;
        let actions = self.with_pending(tenant, group, change)?.into_iter().chain([list]).collect();
        Ok(Examined {
            problems: vec![Problem::PendingItemAlone],
            actions,
            settle: Some(group.id.clone()),
            ..Examined::default()
        })
    }

    /// Whether something is pending for a resource that is not on the list of unfinished changes.
    async fn examine_listed(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        change: Option<&ResourceId>,
    ) -> Result<Examined, Error> {
        // The change may be completed meanwhile.
        if self.is_listed(tenant, id, change).await? || !self.is_pending(tenant, id, change).await? {
            return Ok(Examined::default());
        }
        let change = change.map_or_else(new_change_id, |change| Ok(change.clone()))?;
        let list = unfinished::list_committed(&self.directory.table, tenant, id, &change, None)?;
        Ok(Examined {
            problems: vec![Problem::PendingNotListed],
            actions: vec![list],
            settle: Some(id.clone()),
            ..Examined::default()
        })
    }

    /// Whether the list of unfinished changes says that this change of the resource is committed; any one, for a deletion.
    async fn is_listed(&self, tenant: &Tenant, id: &ResourceId, change: Option<&ResourceId>) -> Result<bool, Error> {
        let listed = self.directory.unfinished_changes(u64::MAX).await?;
        let of_resource = listed.iter().filter(|listed| listed.tenant == *tenant && listed.resource == *id);
        Ok(of_resource
            .filter(|listed| change.is_none_or(|change| listed.is_of(change)))
            .any(UnfinishedChange::is_committed))
    }

    /// Whether this change of a resource is pending; its deletion, if there is none.
    async fn is_pending(&self, tenant: &Tenant, id: &ResourceId, change: Option<&ResourceId>) -> Result<bool, Error> {
        let item = self.directory.read_isolated(&Key::pending_changes(tenant, id)).await?;
        let pending: Option<PendingItem> = item.map(item::body).transpose()?;
        Ok(pending.is_some_and(|pending| match change {
            Some(change) => !pending.deleted && pending.change.as_deref() == Some(change.as_str()),
            None => pending.deleted,
        }))
    }

    /// The repair of a group that has a pending change without a pending item.
    pub(super) async fn lost_pending_item(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
    ) -> Result<Examined, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        // The group may be deleted meanwhile.
        let pending = Item::from([("pending".to_owned(), S(change.to_string()))]);
        let (table, key) = (&self.directory.table, Key::resource(tenant, Kind::Group, group));
        let (set, is_pending) = ("SET #pending = :pending", Some("#pending = :pending"));
        let still = action::update(table, &key, set, is_pending, pending, ConditionFailure::ResourceChanged)?;
        let actions = self.pending_change(tenant, group, change, &chunks)?.into_iter().chain([still]).collect();
        Ok(Examined {
            problems: vec![Problem::PendingItemMissing],
            actions,
            settle: Some(group.clone()),
            ..Examined::default()
        })
    }

    /// Examines the chunks of a change that are not applied: they were written for a change that has not been committed
    /// yet, or for one that is pending. They are read last, because both may end meanwhile.
    pub(super) async fn examine_chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<Examined, Error> {
        let keys = [Key::change(tenant, change), Key::unfinished(change)];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let (record, listed) = (items.next().flatten(), items.next().flatten());
        let Some(record) = record else {
            let is_old = created_at_ms(change).unwrap_or(0) + ABANDONED_MS < now_ms();
            return if listed.is_some() || !is_old {
                Ok(Examined::default())
            } else {
                self.abandoned(tenant, change).await
            };
        };
        let resource = item::id(item::text(&record, "id")?)?;
        let pending = [Key::pending_changes(tenant, &resource), Key::resource(tenant, Kind::Group, &resource)];
        let mut items = self.directory.read_together(&pending).await?.into_iter();
        let pending: Option<PendingItem> = items.next().flatten().map(item::body).transpose()?;
        let group = items.next().flatten().map(|item| item::stored(Kind::Group, item)).transpose()?;
        let is_pending = pending.is_some_and(|pending| pending.change.as_deref() == Some(change.as_str()));
        // A group that has the change as pending is examined itself.
        if is_pending || group.as_ref().is_some_and(|group| group.member_summary.pending.as_ref() == Some(change)) {
            return Ok(Examined::default());
        }
        let chunks = self.directory.chunks(tenant, change).await?;
        let open: Vec<&Chunk> = chunks.iter().filter(|chunk| !chunk.applied).collect();
        let Some(first) = open.first() else { return Ok(Examined::default()) };
        let problems = vec![Problem::ChunksAlone];
        let Some(group) = group else {
            let actions = self.pending_deletion(tenant, &resource, Some(change), true)?.into();
            return Ok(Examined { problems, actions, settle: Some(resource), ..Examined::default() });
        };
        if self.is_begun(tenant, &resource, first).await? {
            // It was applied, and other changes may have followed: the edges say who is a member.
            let marks = open.iter().take(crate::ITEMS_PER_COMMIT).map(|chunk| self.directory.mark_applied(chunk));
            return Ok(Examined { problems, actions: marks.collect::<Result<_, _>>()?, ..Examined::default() });
        }
        if change_of_item(record)?.after != Some(group.version) || group.member_summary.pending.is_some() {
            return Ok(Examined::by_hand(Problem::ChunksAlone));
        }
        let pending = self.pending_change(tenant, &resource, change, &chunks)?;
        let actions = pending.into_iter().chain(self.with_pending(tenant, &group, change)?).collect();
        Ok(Examined { problems, actions, settle: Some(resource), ..Examined::default() })
    }

    /// Whether the edges show that a chunk was applied, as far as they can.
    async fn is_begun(&self, tenant: &Tenant, group: &ResourceId, chunk: &Chunk) -> Result<bool, Error> {
        let EdgeChanges { add, update, remove } = &chunk.edges;
        let ids: Vec<ResourceId> = add.iter().chain(update).chain(remove).map(|member| member.id.clone()).collect();
        let present = self.directory.members_among(tenant, group, &ids).await?;
        let is_present = |id: &ResourceId| present.iter().any(|member| member.id == *id);
        Ok(add.iter().any(|member| is_present(&member.id)) || remove.iter().any(|member| !is_present(&member.id)))
    }

    /// The deletion of chunks that belong to no change, as many as a transaction deletes: the next examination finds the
    /// others.
    async fn abandoned(&self, tenant: &Tenant, change: &ResourceId) -> Result<Examined, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        let keys = chunks.iter().filter(|chunk| !chunk.applied).map(|chunk| &chunk.key).take(crate::ITEMS_PER_COMMIT);
        let delete = |key| action::delete(&self.directory.table, key, None, ConditionFailure::Unexpected);
        let actions: Vec<WriteAction> = keys.map(delete).collect::<Result<_, _>>()?;
        let problems = if actions.is_empty() { Vec::new() } else { vec![Problem::ChunksAlone] };
        Ok(Examined { problems, actions, ..Examined::default() })
    }

    /// The actions that tell a group that a large change is pending.
    fn with_pending(&self, tenant: &Tenant, group: &Stored, change: &ResourceId) -> Result<[WriteAction; 2], Error> {
        let attributes = vec!["members".to_owned()];
        let new = NewVersion { attributes, pending: Some(change.clone()), ..NewVersion::default() };
        self.new_version(tenant, group, new)
    }

    /// The actions that make a large change pending.
    fn pending_change(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
        chunks: &[Chunk],
    ) -> Result<[WriteAction; 2], Error> {
        let item = PendingItem { deleted: false, chunks: chunks.len(), ..self.pending_item(Some(change)) };
        self.put_pending(tenant, group, &item, change, false)
    }

    /// The actions that make the deletion of a resource pending, which does not exist or is deleted with them. They replace
    /// a pending item of it, if there may be one.
    pub(super) fn pending_deletion(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        change: Option<&ResourceId>,
        replaces: bool,
    ) -> Result<[WriteAction; 2], Error> {
        self.put_pending(tenant, id, &self.pending_item(change), &new_change_id()?, replaces)
    }

    fn pending_item(&self, change: Option<&ResourceId>) -> PendingItem {
        PendingItem {
            // A group has the membership items of a user, and those of its members.
            kind: Kind::Group,
            deleted: true,
            change: change.map(ToString::to_string),
            chunks: 0,
            groups: Vec::new(),
            token: TOKEN.to_owned(),
            at: now_rfc3339(),
            is_listed: true,
        }
    }

    fn put_pending(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        item: &PendingItem,
        change: &ResourceId,
        replaces: bool,
    ) -> Result<[WriteAction; 2], Error> {
        let (table, key) = (&self.directory.table, Key::pending_changes(tenant, id));
        let condition = (!replaces).then_some(ABSENT);
        Ok([
            action::put(table, &key, item, condition, ConditionFailure::EdgeChanged)?,
            unfinished::list_committed(table, tenant, id, change, None)?,
        ])
    }
}
