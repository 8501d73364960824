//! The new version that a repair gives to a resource, with its change record, and the record of a deletion.

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::{TOKEN, TableCheck};
use crate::attributes::{Item, number};
use crate::change_record::{ChangeItem, new_change_id};
use crate::clock::now_rfc3339;
use crate::expression::UNCHANGED_AND_NOT_PENDING;
use crate::key::Key;
use crate::record_id::RecordId;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, StoredKeys, StoredResource};

/// The attributes that a repair changes in a resource, and the contents of the change's record.
#[derive(Default)]
pub(super) struct NewVersion {
    /// The names of the attributes that the record contains.
    pub(super) attributes: Vec<String>,
    /// A member that the group no longer has.
    pub(super) removed: Option<ResourceId>,
    /// The number of a group's members, and their checksum.
    pub(super) members: Option<(u64, u64)>,
    /// The large change of a group that is pending from then on.
    pub(super) pending: Option<ResourceId>,
    /// The keys that are stored with it from then on.
    pub(super) keys: Option<StoredKeys>,
    /// A version that the new version has to follow.
    pub(super) after: u64,
    /// Whether the record contains the user's `active`, because an earlier record that contained it may be missing.
    pub(super) with_active: bool,
}

impl NewVersion {
    /// Lets the record of the change contain all attributes, because an earlier record may be missing.
    pub(super) fn contain_everything(&mut self, stored: &StoredResource) {
        self.with_active = true;
        self.attributes.extend(stored.resource.keys().cloned());
        self.attributes.extend((stored.kind == Kind::Group).then(|| "members".to_owned()));
    }
}

impl TableCheck<'_> {
    /// The actions that give a resource a new version with a change record, on condition that it has the version that
    /// was read.
    pub(super) fn new_version_actions(
        &self,
        tenant: &Tenant,
        stored: &StoredResource,
        new: NewVersion,
    ) -> Result<[WriteAction; 2], Error> {
        let id = new_change_id()?;
        let at = now_rfc3339().max(stored.last_modified.clone());
        let before = stored.version.max(new.after);
        let active = stored.resource.get("active").and_then(serde_json::Value::as_bool);
        let record = ChangeItem {
            attributes: &new.attributes,
            version_before: Some(before),
            version_after: Some(before + 1),
            members_removed: new.removed.iter().map(ToString::to_string).collect(),
            active: active.filter(|_| new.with_active),
            previous_at: Some(&stored.last_modified),
            ..ChangeItem::new(TOKEN, stored.kind, stored.id.as_str(), "updated", &at, self.directory.change_expiry())
        };
        let record = record.put(&self.directory.table, tenant, &id)?;
        let values = Item::from([
            ("next".to_owned(), number(before + 1)),
            ("at".to_owned(), S(at)),
            ("record".to_owned(), RecordId::of(&id).value()),
            ("expected".to_owned(), number(stored.version)),
        ]);
        Ok([self.update_resource(tenant, stored, new, values)?, record])
    }

    /// The action that updates a resource to a new version, of which `values` has the version, the time and the record.
    fn update_resource(
        &self,
        tenant: &Tenant,
        stored: &StoredResource,
        new: NewVersion,
        mut values: Item,
    ) -> Result<WriteAction, Error> {
        let mut set = "SET #version = :next, #lastModified = :at, #record = :record".to_owned();
        if let Some((count, checksum)) = new.members {
            set.push_str(", #memberCount = :count, #memberMarks = :checksum");
            values.extend([("count".to_owned(), number(count)), ("checksum".to_owned(), number(checksum))]);
        }
        if let Some(pending) = &new.pending {
            set.push_str(", #pending = :pending");
            values.insert("pending".to_owned(), S(pending.to_string()));
        }
        match new.keys {
            Some(keys) if keys.is_empty() => set.push_str(" REMOVE #keys"),
            Some(keys) => {
                set.push_str(", #keys = :keys");
                values.insert(StoredKeys::ATTRIBUTE.to_owned(), keys.value()?);
            }
            None => {}
        }
        let condition = match stored.kind {
            Kind::Group if stored.member_summary.pending.is_none() => UNCHANGED_AND_NOT_PENDING,
            _ => "#version = :expected",
        };
        let table = &self.directory.table;
        let key = Key::resource(tenant, stored.kind, &stored.id);
        action::update(table, &key, &set, Some(condition), values, ConditionFailure::ResourceChanged)
    }

    /// The action that records the deletion of a resource.
    pub(super) fn deletion_record(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
        version: u64,
    ) -> Result<WriteAction, Error> {
        let at = now_rfc3339();
        let record = ChangeItem::new(TOKEN, kind, id.as_str(), "deleted", &at, self.directory.change_expiry());
        let record = ChangeItem { version_before: Some(version), ..record };
        record.put(&self.directory.table, tenant, &new_change_id()?)
    }
}
