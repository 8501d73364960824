//! The examination of a resource with its name, its lookups, its record and its counts; of the item of a value, which
//! names the resource that has the value; and of a resource that should be deleted.

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId, resource_type};

use super::examination::Examination;
use super::new_version::NewVersion;
use super::resource_keys::ResourceKeys;
use super::snapshot::{NameState, ResourceSnapshot};
use super::{Problem, TableCheck};
use crate::attributes::{Item, number};
use crate::clock::now_ms;
use crate::expression::ABSENT;
use crate::item::{self, OwnerItem, PendingItem};
use crate::key::{self, Collection, Key};
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, Index, StoredKeys, StoredResource};

/// The number of lookups under keys of an earlier release that one repair deletes, so that one transaction holds them.
const MAX_FORMER_LOOKUPS: usize = 5;

impl TableCheck<'_> {
    /// Examines a resource of which a record says that it has this version or a later one.
    pub(super) async fn examine_resource(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
        version: u64,
    ) -> Result<Examination, Error> {
        let Some(snapshot) = self.snapshot(tenant, kind, id).await? else { return Ok(Examination::default()) };
        let Some(keys) = &snapshot.keys else { return Ok(Examination::unrepairable(Problem::Unreadable)) };
        let pending = snapshot.items.get(&Key::pending_changes(tenant, id)).cloned();
        let pending: Option<PendingItem> = pending.map(item::body).transpose()?;
        if pending.as_ref().is_some_and(|pending| pending.deleted) {
            return self.complete_deletion(tenant, &snapshot);
        }
        if let Some(change) = &snapshot.stored.member_summary.pending
            && pending.is_none_or(|pending| pending.change.as_deref() != Some(change.as_str()))
        {
            return self.repair_missing_pending_item(tenant, id, change).await;
        }
        let examination = self.examine_items(tenant, &snapshot, keys, version)?;
        if examination.problems.is_empty() && self.with_counts {
            return self.examine_counts(tenant, kind, id).await;
        }
        Ok(examination)
    }

    /// Examines the items of a resource's values, and whether its record exists.
    fn examine_items(
        &self,
        tenant: &Tenant,
        snapshot: &ResourceSnapshot,
        keys: &ResourceKeys,
        version: u64,
    ) -> Result<Examination, Error> {
        let stored = &snapshot.stored;
        let name = snapshot.name_state(keys);
        if name == NameState::OfAnother {
            return Ok(Examination::unrepairable(Problem::NameOfAnother));
        }
        let (mut examination, mut new) = self.examine_values(snapshot, keys, name)?;
        let is_recorded = snapshot.record.as_ref().is_none_or(|record| snapshot.items.contains_key(record));
        examination.problems.extend((!is_recorded).then_some(Problem::RecordMissing));
        examination.problems.extend((version > stored.version).then_some(Problem::RecordAhead));
        if !is_recorded || version > stored.version {
            new.contain_everything(stored);
        }
        if !examination.problems.is_empty() {
            new.after = version;
            new.attributes.sort_unstable();
            new.attributes.dedup();
            examination.actions.extend(self.new_version_actions(tenant, stored, new)?);
        }
        Ok(examination)
    }

    /// Examines the items of the name and of the lookups. The new version of the resource contains what their repair
    /// changes.
    fn examine_values(
        &self,
        snapshot: &ResourceSnapshot,
        keys: &ResourceKeys,
        name: NameState<'_>,
    ) -> Result<(Examination, NewVersion), Error> {
        let stored = &snapshot.stored;
        let mut examination = Examination::default();
        let mut new = NewVersion::default();
        // A name whose item keeps another key keeps that key in the resource, too.
        let mut name_keys = &stored.keys.name;
        if let NameState::Missing { former } = name {
            examination.problems.push(former.map_or(Problem::NameMissing, |_| Problem::FormerName));
            examination.actions.extend(self.name_actions(stored, &keys.name, former)?);
            new.attributes.push(resource_type(stored.kind).naming_attribute().to_owned());
            name_keys = &keys.stored.name;
        }
        let missing: Vec<_> = keys.lookups.iter().filter(|(_, key)| !snapshot.items.contains_key(key)).collect();
        if !missing.is_empty() {
            examination.problems.push(Problem::LookupMissing);
            examination.actions.extend(self.lookup_actions(stored, keys, &missing)?);
            new.attributes.extend(missing.iter().map(|(index, _)| attribute_of(*index).to_owned()));
        }
        if !new.attributes.is_empty() {
            new.keys = Some(StoredKeys { name: name_keys.clone(), emails: keys.stored.emails.clone() });
        }
        Ok((examination, new))
    }

    /// The actions that write the item of a name, and delete the one under its former key.
    fn name_actions(
        &self,
        stored: &StoredResource,
        name: &Key,
        former: Option<&Key>,
    ) -> Result<Vec<WriteAction>, Error> {
        let owner = OwnerItem { owner: stored.id.to_string() };
        let table = &self.directory.table;
        let mut actions = vec![action::put(table, name, &owner, Some(ABSENT), ConditionFailure::NameTaken)?];
        if let Some(former) = former {
            actions.push(self.delete_value(former, &stored.id, ConditionFailure::EdgeChanged)?);
        }
        Ok(actions)
    }

    /// The actions that write missing lookups, and delete lookups under keys of an earlier release.
    fn lookup_actions(
        &self,
        stored: &StoredResource,
        keys: &ResourceKeys,
        missing: &[&(Index, Key)],
    ) -> Result<Vec<WriteAction>, Error> {
        let owner = OwnerItem { owner: stored.id.to_string() };
        let table = &self.directory.table;
        let puts = missing.iter().map(|(_, key)| action::put(table, key, &owner, None, ConditionFailure::Unexpected));
        let former = keys.former_lookups.iter().filter(|key| !keys.lookups.iter().any(|(_, now)| now == *key));
        let deletes =
            former.take(MAX_FORMER_LOOKUPS).map(|key| action::delete(table, key, None, ConditionFailure::Unexpected));
        puts.chain(deletes).collect()
    }

    /// Examines a resource of which a record says that it is deleted.
    pub(super) async fn examine_deleted(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Examination, Error> {
        match self.snapshot(tenant, kind, id).await? {
            Some(snapshot) => self.complete_deletion(tenant, &snapshot),
            None => Ok(Examination::default()),
        }
    }

    /// The repair that deletes the rest of a resource. Its membership items are deleted afterwards, as after any other
    /// deletion.
    fn complete_deletion(&self, tenant: &Tenant, snapshot: &ResourceSnapshot) -> Result<Examination, Error> {
        let StoredResource { kind, id, version, .. } = &snapshot.stored;
        let expected = Item::from([("expected".to_owned(), number(version))]);
        let unchanged = Some(("#version = :expected", expected));
        let key = Key::resource(tenant, *kind, id);
        let delete = action::delete(&self.directory.table, &key, unchanged, ConditionFailure::ResourceChanged)?;
        let mut actions = vec![delete];
        for key in snapshot.keys.iter().flat_map(ResourceKeys::all).filter(|key| snapshot.has_value(key)) {
            actions.push(self.delete_value(key, id, ConditionFailure::Unexpected)?);
        }
        actions.push(self.deletion_record(tenant, *kind, id, *version)?);
        let pending = snapshot.stored.member_summary.pending.as_ref();
        actions.extend(self.put_pending_deletion(tenant, id, pending, true)?);
        Ok(Examination::repairable(Problem::DeletedButPresent, actions).then_settle(id))
    }

    /// Examines the item of a name or a lookup.
    pub(super) async fn examine_owner(
        &self,
        tenant: &Tenant,
        key: &Key,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Examination, Error> {
        let items = self.directory.read_together(&[key.clone(), Key::resource(tenant, kind, id)]).await?;
        let mut items = items.into_iter();
        let is_there = items.next().flatten().is_some_and(|item| item::text(&item, "owner") == Ok(id.as_str()));
        let resource = items.next().flatten();
        if !is_there {
            return Ok(Examination::default());
        }
        let delete = self.delete_value(key, id, ConditionFailure::EdgeChanged)?;
        let Some(resource) = resource else {
            // The last version of a resource that does not exist is unknown. The time in milliseconds since 1970 is a
            // number that no version reaches.
            let record = self.deletion_record(tenant, kind, id, now_ms())?;
            return Ok(Examination::repairable(Problem::ValueWithoutResource, [delete, record]));
        };
        let stored = item::stored(kind, resource)?;
        if self.expected_keys(tenant, &stored).is_none_or(|keys| keys.has(key)) {
            return Ok(Examination::default());
        }
        let attribute = match key::collection(&key.pk) {
            Some((_, Collection::Lookups(index))) => attribute_of(index),
            _ => resource_type(kind).naming_attribute(),
        };
        let attributes = vec![attribute.to_owned()];
        let new = NewVersion { attributes, ..NewVersion::default() };
        let actions = [delete].into_iter().chain(self.new_version_actions(tenant, &stored, new)?);
        Ok(Examination::repairable(Problem::ValueNotOfResource, actions))
    }

    fn delete_value(&self, key: &Key, owner: &ResourceId, on_failure: ConditionFailure) -> Result<WriteAction, Error> {
        let is_owner = ("#owner = :owner", Item::from([("owner".to_owned(), S(owner.to_string()))]));
        action::delete(&self.directory.table, key, Some(is_owner), on_failure)
    }
}

/// The attribute whose value a lookup finds.
fn attribute_of(index: Index) -> &'static str {
    match index {
        Index::UserExternalId | Index::GroupExternalId => "externalId",
        Index::UserEmail => "emails",
    }
}
