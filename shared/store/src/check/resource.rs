//! The examination of a resource with its name, its lookups, its record and its counts; of a value that says it
//! belongs to a resource; and of a resource that should be gone.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue::S;
use jiff::Timestamp;
use protocol::Tenant;
use schema::{Kind, ResourceId, resource_type};

use super::compare::ResourceKeys;
use super::examined::{Examined, NewVersion};
use super::{Check, Problem};
use crate::attributes::{Item, number};
use crate::clock::now_ms;
use crate::expression::ABSENT;
use crate::item::{self, OwnerItem, PendingItem};
use crate::key::{self, Collection, Key};
use crate::record_id::RecordId;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, Index, Stored, StoredKeys};

/// Records are kept for thirty days at least (`AuditRetentionDays`). The versions that are not much younger are not
/// compared with their records.
const RECORDED_MS: u64 = 29 * 24 * 60 * 60 * 1000;
/// The number of lookups under keys of an earlier release that one repair deletes, so that one transaction holds them.
const MAX_FORMER_LOOKUPS: usize = 5;
/// How often a resource that changes meanwhile is read again.
const MAX_READS: usize = 5;

/// A resource and the items that belong to it, as they are at one moment.
struct Snapshot {
    stored: Stored,
    /// `None` if its attributes are not valid.
    keys: Option<ResourceKeys>,
    record: Option<Key>,
    items: HashMap<Key, Item>,
}

/// The record that a resource names, if it is kept for certain.
pub(super) fn record_to_check(tenant: &Tenant, resource: &Item) -> Result<Option<Key>, Error> {
    let Some(record) = RecordId::in_item(resource) else { return Ok(None) };
    let modified = item::text(resource, "lastModified")?.parse::<Timestamp>();
    let modified_ms = modified.ok().and_then(|time| u64::try_from(time.as_millisecond()).ok()).unwrap_or(0);
    let is_kept = modified_ms + RECORDED_MS > now_ms();
    Ok(if is_kept { Some(Key::change(tenant, &record)) } else { None })
}

impl Check<'_> {
    /// Examines a resource of which a record says that it has this version or a later one.
    pub(super) async fn examine_resource(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
        version: u64,
    ) -> Result<Examined, Error> {
        let Some(snapshot) = self.snapshot(tenant, kind, id).await? else { return Ok(Examined::default()) };
        let Some(keys) = &snapshot.keys else { return Ok(Examined::by_hand(Problem::Unreadable)) };
        let pending = snapshot.items.get(&Key::pending_changes(tenant, id)).cloned();
        let pending: Option<PendingItem> = pending.map(item::body).transpose()?;
        if pending.as_ref().is_some_and(|pending| pending.deleted) {
            return self.deletion(tenant, &snapshot).await;
        }
        if let Some(change) = &snapshot.stored.member_summary.pending
            && pending.is_none_or(|pending| pending.change.as_deref() != Some(change.as_str()))
        {
            return self.lost_pending_item(tenant, id, change).await;
        }
        let examined = self.examine_items(tenant, &snapshot, keys, version)?;
        if examined.problems.is_empty() && self.with_counts {
            return self.examine_counts(tenant, kind, id).await;
        }
        Ok(examined)
    }

    fn examine_items(
        &self,
        tenant: &Tenant,
        snapshot: &Snapshot,
        keys: &ResourceKeys,
        version: u64,
    ) -> Result<Examined, Error> {
        let stored = &snapshot.stored;
        let owner = OwnerItem { owner: stored.id.to_string() };
        let put = |key, condition, failure| action::put(&self.directory.table, key, &owner, condition, failure);
        let mut examined = Examined::default();
        let mut new = NewVersion { after: version, ..NewVersion::default() };
        let owner_of = |key| snapshot.items.get(key).and_then(|item| item::text(item, "owner").ok());
        let former = keys.former_name.as_ref().filter(|key| owner_of(*key) == Some(owner.owner.as_str()));
        match (owner_of(&keys.name), former) {
            (Some(of_name), _) if of_name == owner.owner => {}
            (Some(_), None) => return Ok(Examined::by_hand(Problem::NameOfAnother)),
            // It keeps its former key for as long as another resource has its name.
            (Some(_), Some(_)) => {}
            (None, former) => {
                examined.problems.push(former.map_or(Problem::NameMissing, |_| Problem::FormerName));
                examined.actions.push(put(&keys.name, Some(ABSENT), ConditionFailure::NameTaken)?);
                if let Some(former) = former {
                    examined.actions.push(self.delete_value(former, &stored.id, ConditionFailure::EdgeChanged)?);
                }
                new.attributes.push(resource_type(stored.kind).naming_attribute().to_owned());
            }
        }
        let lookups = keys.lookups.iter().filter(|(_, key)| !snapshot.items.contains_key(key)).collect::<Vec<_>>();
        for (index, key) in &lookups {
            examined.actions.push(put(key, None, ConditionFailure::Unexpected)?);
            new.attributes.push(attribute_of(*index).to_owned());
        }
        examined.problems.extend((!lookups.is_empty()).then_some(Problem::LookupMissing));
        if !lookups.is_empty() {
            let former = keys.former_lookups.iter().filter(|key| !keys.lookups.iter().any(|(_, now)| now == *key));
            for key in former.take(MAX_FORMER_LOOKUPS) {
                let delete = action::delete(&self.directory.table, key, None, ConditionFailure::Unexpected);
                examined.actions.push(delete?);
            }
        }
        if !new.attributes.is_empty() {
            // A name that stays under another key keeps that key.
            let is_renamed =
                examined.problems.iter().any(|it| matches!(it, Problem::NameMissing | Problem::FormerName));
            let name = if is_renamed { keys.stored.name.clone() } else { stored.keys.name.clone() };
            new.keys = Some(StoredKeys { name, emails: keys.stored.emails.clone() });
        }
        let is_recorded = snapshot.record.as_ref().is_none_or(|record| snapshot.items.contains_key(record));
        examined.problems.extend((!is_recorded).then_some(Problem::RecordMissing));
        examined.problems.extend((version > stored.version).then_some(Problem::RecordAhead));
        if !is_recorded || version > stored.version {
            new.with_active = true;
            new.attributes.extend(stored.resource.keys().cloned());
            new.attributes.extend((stored.kind == Kind::Group).then(|| "members".to_owned()));
        }
        if !examined.problems.is_empty() {
            new.attributes.sort_unstable();
            new.attributes.dedup();
            examined.actions.extend(self.new_version(tenant, stored, new)?);
        }
        Ok(examined)
    }

    /// Examines a resource of which a record says that it is deleted.
    pub(super) async fn examine_deleted(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Examined, Error> {
        match self.snapshot(tenant, kind, id).await? {
            Some(snapshot) => self.deletion(tenant, &snapshot).await,
            None => Ok(Examined::default()),
        }
    }

    /// The deletion of what is left of a resource. Its membership items are deleted afterwards, as after any other
    /// deletion.
    async fn deletion(&self, tenant: &Tenant, snapshot: &Snapshot) -> Result<Examined, Error> {
        let Stored { kind, id, version, .. } = &snapshot.stored;
        let table = &self.directory.table;
        let (changed, unexpected) = (ConditionFailure::ResourceChanged, ConditionFailure::Unexpected);
        let expected = Item::from([("expected".to_owned(), number(version))]);
        let unchanged = Some(("#version = :expected", expected));
        let mut actions = vec![action::delete(table, &Key::resource(tenant, *kind, id), unchanged, changed)?];
        let is_own =
            |key: &&Key| snapshot.items.get(*key).is_some_and(|item| item::text(item, "owner") == Ok(id.as_str()));
        for key in snapshot.keys.iter().flat_map(ResourceKeys::all).filter(is_own) {
            actions.push(self.delete_value(key, id, unexpected.clone())?);
        }
        actions.push(self.deletion_record(tenant, *kind, id, *version)?);
        let pending = snapshot.stored.member_summary.pending.as_ref();
        actions.extend(self.pending_deletion(tenant, id, pending, true)?);
        Ok(Examined {
            problems: vec![Problem::DeletedButPresent],
            actions,
            settle: Some(id.clone()),
            ..Examined::default()
        })
    }

    /// Examines the item of a name or a lookup.
    pub(super) async fn examine_owner(
        &self,
        tenant: &Tenant,
        key: &Key,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Examined, Error> {
        let items = self.directory.read_together(&[key.clone(), Key::resource(tenant, kind, id)]).await?;
        let mut items = items.into_iter();
        let is_there = items.next().flatten().is_some_and(|item| item::text(&item, "owner") == Ok(id.as_str()));
        let resource = items.next().flatten();
        if !is_there {
            return Ok(Examined::default());
        }
        let delete = self.delete_value(key, id, ConditionFailure::EdgeChanged)?;
        let Some(resource) = resource else {
            // Nobody knows the last version of a resource that is not there. It had none for each millisecond since 1970.
            let record = self.deletion_record(tenant, kind, id, now_ms())?;
            return Ok(Examined {
                problems: vec![Problem::ValueWithoutResource],
                actions: vec![delete, record],
                ..Examined::default()
            });
        };
        let stored = item::stored(kind, resource)?;
        if self.expected(tenant, &stored).is_none_or(|keys| keys.has(key)) {
            return Ok(Examined::default());
        }
        let attribute = match key::collection(&key.pk) {
            Some((_, Collection::Lookups(index))) => attribute_of(index),
            _ => resource_type(kind).naming_attribute(),
        };
        let attributes = vec![attribute.to_owned()];
        let new = NewVersion { attributes, ..NewVersion::default() };
        let actions = [delete].into_iter().chain(self.new_version(tenant, &stored, new)?).collect();
        Ok(Examined { problems: vec![Problem::ValueNotOfResource], actions, ..Examined::default() })
    }

    fn delete_value(&self, key: &Key, owner: &ResourceId, on_failure: ConditionFailure) -> Result<WriteAction, Error> {
        let is_owner = ("#owner = :owner", Item::from([("owner".to_owned(), S(owner.to_string()))]));
        action::delete(&self.directory.table, key, Some(is_owner), on_failure)
    }

    /// A resource and the items that belong to it; `None` if it does not exist.
    async fn snapshot(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Option<Snapshot>, Error> {
        let key = Key::resource(tenant, kind, id);
        for _ in 0..MAX_READS {
            let Some(item) = self.directory.read(&key).await? else { return Ok(None) };
            let record = record_to_check(tenant, &item)?;
            let stored = item::stored(kind, item)?;
            let keys = self.expected(tenant, &stored);
            let mut wanted = vec![key.clone(), Key::pending_changes(tenant, id)];
            wanted.extend(record.clone());
            wanted.extend(keys.iter().flat_map(ResourceKeys::all).cloned());
            let items = self.directory.read_together(&wanted).await?;
            let items: HashMap<Key, Item> =
                wanted.into_iter().zip(items).filter_map(|(key, item)| Some((key, item?))).collect();
            let Some(now) = items.get(&key) else { return Ok(None) };
            let now = item::stored(kind, now.clone())?;
            if now.version == stored.version {
                return Ok(Some(Snapshot { stored: now, keys, record, items }));
            }
        }
        Err(Error::Contended)
    }
}

/// The attribute whose value a lookup finds.
fn attribute_of(index: Index) -> &'static str {
    match index {
        Index::UserExternalId | Index::GroupExternalId => "externalId",
        Index::UserEmail => "emails",
    }
}
