//! The keys of the items that belong to a resource: its name, its lookups, and its record.

use jiff::Timestamp;
use protocol::Tenant;

use super::{ExpectedKeys, TableCheck};
use crate::attributes::Item;
use crate::clock::now_ms;
use crate::item;
use crate::key::Key;
use crate::record_id::RecordId;
use crate::{Error, Index, StoredKeys, StoredResource};

/// Records are kept for thirty days at least (`AuditRetentionDays`). The check compares only younger versions with
/// their records.
const RECORDED_MS: u64 = 29 * 24 * 60 * 60 * 1000;

/// The keys of the items by which a resource is found.
pub(super) struct ResourceKeys {
    /// The key of its unique name.
    pub(super) name: Key,
    /// The key that an earlier release gave the name.
    pub(super) former_name: Option<Key>,
    pub(super) lookups: Vec<(Index, Key)>,
    /// The keys that an earlier release gave its e-mail addresses, if they differ from those of this release.
    pub(super) former_lookups: Vec<Key>,
    /// The keys that are stored with the resource.
    pub(super) stored: StoredKeys,
}

impl ResourceKeys {
    pub(super) fn has(&self, key: &Key) -> bool {
        self.all().any(|own| own == key) || self.former_lookups.contains(key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        [&self.name].into_iter().chain(&self.former_name).chain(self.lookups.iter().map(|(_, key)| key))
    }
}

impl TableCheck<'_> {
    /// The keys by which a resource should be found; `None` if its attributes are not valid.
    pub(super) fn expected_keys(&self, tenant: &Tenant, stored: &StoredResource) -> Option<ResourceKeys> {
        let ExpectedKeys { keys, former_name, former_emails } = (self.keys_of)(stored)?;
        let email = |value: &String| Key::lookup(tenant, Index::UserEmail, value, &stored.id);
        Some(ResourceKeys {
            name: Key::name(tenant, stored.kind, &keys.name),
            former_name: former_name.map(|name| Key::name(tenant, stored.kind, &name)),
            former_lookups: former_emails.iter().map(email).collect(),
            stored: keys.stored,
            lookups: keys
                .lookups
                .iter()
                .map(|(index, value)| (*index, Key::lookup(tenant, *index, value, &stored.id)))
                .collect(),
        })
    }
}

/// The key of the record that a resource names, if that record has to exist.
pub(super) fn record_to_check(tenant: &Tenant, resource: &Item) -> Result<Option<Key>, Error> {
    let Some(record) = RecordId::in_item(resource) else { return Ok(None) };
    let modified = item::text(resource, "lastModified")?.parse::<Timestamp>();
    let modified_ms = modified.ok().and_then(|time| u64::try_from(time.as_millisecond()).ok()).unwrap_or(0);
    let is_kept = modified_ms + RECORDED_MS > now_ms();
    Ok(if is_kept { Some(Key::change(tenant, &record)) } else { None })
}
