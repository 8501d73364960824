//! The examination of what is pending: large changes of members and deletions, whose items have to refer to each other
//! so that somebody completes them.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examined::{Examined, NewVersion};
use super::{Check, Problem, TOKEN};
use crate::clock::now_rfc3339;
use crate::commit::action::{self, Action, ConditionFailure, number};
use crate::commit::record::new_change_id;
use crate::item::{self, Item, PendingItem};
use crate::key::Key;
use crate::membership::chunk::Chunk;
use crate::{Error, SettleState, Stored, unfinished};

/// The time for which a check works on one pending change. The function Settle completes what is left.
const SETTLE_TIME: Duration = Duration::from_secs(30);

impl Check<'_> {
    /// Completes what is pending for a resource.
    pub(super) async fn settle(&self, tenant: &Tenant, id: &ResourceId) -> Result<(), Error> {
        match self.directory.settle(tenant, id, Instant::now() + SETTLE_TIME).await {
            Ok(SettleState::Done | SettleState::Unfinished)
            | Err(Error::Corrupt(_) | Error::Contended | Error::Unavailable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn examine_pending(&self, tenant: &Tenant, id: &ResourceId) -> Result<Examined, Error> {
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
            let actions = self.pending_deletion(tenant, id, Some(&change))?.into();
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
        if chunks < pending.chunks && self.is_pending(tenant, id).await? {
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
        let list = unfinished::list_again(&self.directory.table, tenant, &group.id, change)?;
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
        let listed = self.directory.unfinished_changes(u64::MAX).await?;
        if listed.iter().any(|listed| listed.tenant == *tenant && listed.resource == *id && !listed.is_given_up()) {
            return Ok(Examined::default());
        }
        // It may have been completed meanwhile.
        if !self.is_pending(tenant, id).await? {
            return Ok(Examined::default());
        }
        let change = change.map_or_else(new_change_id, |change| Ok(change.clone()))?;
        let list = unfinished::list_again(&self.directory.table, tenant, id, &change)?;
        Ok(Examined {
            problems: vec![Problem::PendingNotListed],
            actions: vec![list],
            settle: Some(id.clone()),
            ..Examined::default()
        })
    }

    async fn is_pending(&self, tenant: &Tenant, id: &ResourceId) -> Result<bool, Error> {
        Ok(self.directory.read(&Key::pending_changes(tenant, id)).await?.is_some())
    }

    /// The repair of a group that has a pending change without a pending item.
    pub(super) async fn lost_pending_item(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
    ) -> Result<Examined, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        let actions = self.pending_change(tenant, group, change, &chunks)?.into();
        Ok(Examined {
            problems: vec![Problem::PendingItemMissing],
            actions,
            settle: Some(group.clone()),
            ..Examined::default()
        })
    }

    /// Examines the chunks of a change that are not applied: they were written for a change that has not been committed
    /// yet, or for one that is pending.
    pub(super) async fn examine_chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<Examined, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        if chunks.iter().all(|chunk| chunk.applied) {
            return Ok(Examined::default());
        }
        let keys = [Key::change(tenant, change), Key::unfinished(change)];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let (record, listed) = (items.next().flatten(), items.next().flatten());
        let problems = vec![Problem::ChunksAlone];
        let Some(record) = record else {
            if listed.is_some() {
                return Ok(Examined::default());
            }
            // At most as many as a transaction holds: the next examination finds the others.
            let keys = chunks.iter().map(|chunk| &chunk.key).take(crate::ITEMS_PER_COMMIT);
            let delete = |key| action::delete(&self.directory.table, key, None, ConditionFailure::Unexpected);
            return Ok(Examined {
                problems,
                actions: keys.map(delete).collect::<Result<_, _>>()?,
                ..Examined::default()
            });
        };
        let resource = item::id(item::text(&record, "id")?)?;
        let pending = [Key::pending_changes(tenant, &resource), Key::resource(tenant, Kind::Group, &resource)];
        let mut items = self.directory.read_together(&pending).await?.into_iter();
        let pending: Option<PendingItem> = items.next().flatten().map(item::body).transpose()?;
        if pending.is_some_and(|pending| pending.change.as_deref() == Some(change.as_str())) {
            return Ok(Examined::default());
        }
        let actions = match items.next().flatten() {
            None => self.pending_deletion(tenant, &resource, Some(change))?.into(),
            Some(group) => {
                let group = item::stored(Kind::Group, group)?;
                match &group.member_summary.pending {
                    // It is examined with the group.
                    Some(pending) if pending == change => return Ok(Examined::default()),
                    Some(_) => return Ok(Examined::by_hand(Problem::ChunksAlone)),
                    None => {}
                }
                let pending = self.pending_change(tenant, &resource, change, &chunks)?;
                pending.into_iter().chain(self.with_pending(tenant, &group, change)?).collect()
            }
        };
        Ok(Examined { problems, actions, settle: Some(resource), ..Examined::default() })
    }

    /// The actions that tell a group that a large change is pending.
    fn with_pending(&self, tenant: &Tenant, group: &Stored, change: &ResourceId) -> Result<[Action; 2], Error> {
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
    ) -> Result<[Action; 2], Error> {
        let item = PendingItem { deleted: false, chunks: chunks.len(), ..self.pending_item(Some(change)) };
        self.put_pending(tenant, group, &item, change)
    }

    /// The actions that make the deletion of a resource pending, which does not exist or is deleted with them.
    pub(super) fn pending_deletion(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        change: Option<&ResourceId>,
    ) -> Result<[Action; 2], Error> {
        self.put_pending(tenant, id, &self.pending_item(change), &new_change_id()?)
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
    ) -> Result<[Action; 2], Error> {
        let (table, key) = (&self.directory.table, Key::pending_changes(tenant, id));
        Ok([
            action::put(table, &key, item, None, ConditionFailure::Unexpected)?,
            unfinished::list_again(table, tenant, id, change)?,
        ])
    }
}
