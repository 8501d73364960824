//! A snapshot of a resource with the items that belong to it, and the state of its name in it.

use std::collections::HashMap;

use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::TableCheck;
use super::resource_keys::{ResourceKeys, record_to_check};
use crate::attributes::Item;
use crate::item;
use crate::key::Key;
use crate::{Error, StoredResource};

/// How often a resource that changes meanwhile is read again.
const MAX_READS: usize = 5;

/// A resource and the items that belong to it, as they are at one moment.
pub(super) struct ResourceSnapshot {
    pub(super) stored: StoredResource,
    /// `None` if the attributes of the resource are not valid.
    pub(super) keys: Option<ResourceKeys>,
    /// The key of the resource's change record, if the record has to exist.
    pub(super) record: Option<Key>,
    pub(super) items: HashMap<Key, Item>,
}

/// The state of the item of a resource's unique name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameState<'k> {
    /// The resource is found by its name, perhaps under the key that an earlier release gave it: it keeps that key for
    /// as long as another resource has the current one.
    Present,
    /// The name belongs to another resource, and this one is not found by it.
    OfAnother,
    /// No resource has the name. This one may have an item under the key that an earlier release gave the name.
    Missing { former: Option<&'k Key> },
}

impl ResourceSnapshot {
    /// Whether the item of a value exists and names this resource.
    pub(super) fn has_value(&self, key: &Key) -> bool {
        self.owner_of(key) == Some(self.stored.id.as_str())
    }

    pub(super) fn name_state<'k>(&self, keys: &'k ResourceKeys) -> NameState<'k> {
        let former = keys.former_name.as_ref().filter(|key| self.has_value(key));
        match (self.owner_of(&keys.name), former) {
            (Some(owner), _) if owner == self.stored.id.as_str() => NameState::Present,
            (Some(_), None) => NameState::OfAnother,
            (Some(_), Some(_)) => NameState::Present,
            (None, former) => NameState::Missing { former },
        }
    }

    fn owner_of(&self, key: &Key) -> Option<&str> {
        self.items.get(key).and_then(|item| item::text(item, "owner").ok())
    }
}

impl TableCheck<'_> {
    /// Reads a resource and the items that belong to it. Returns `None` if the resource does not exist.
    pub(super) async fn snapshot(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Option<ResourceSnapshot>, Error> {
        let key = Key::resource(tenant, kind, id);
        for _ in 0..MAX_READS {
            let Some(item) = self.directory.read(&key).await? else { return Ok(None) };
            let record = record_to_check(tenant, &item)?;
            let stored = item::stored(kind, item)?;
            let keys = self.expected_keys(tenant, &stored);
            let mut wanted = vec![key.clone(), Key::pending_changes(tenant, id)];
            wanted.extend(record.clone());
            wanted.extend(keys.iter().flat_map(ResourceKeys::all).cloned());
            let items = self.directory.read_together(&wanted).await?;
            let items: HashMap<Key, Item> =
                wanted.into_iter().zip(items).filter_map(|(key, item)| Some((key, item?))).collect();
            let Some(now) = items.get(&key) else { return Ok(None) };
            let now = item::stored(kind, now.clone())?;
            if now.version == stored.version {
                return Ok(Some(ResourceSnapshot { stored: now, keys, record, items }));
            }
        }
        Err(Error::Contended)
    }
}
