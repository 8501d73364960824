//! What an item of the table implies for other items: which of them exist, and what they contain.

use std::collections::HashMap;

use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::TableCheck;
use super::subject::CheckSubject;
use crate::attributes::Item;
use crate::item;
use crate::key::Key;

/// An expectation, and the subject to examine if other items do not meet it.
pub(super) struct SubjectExpectation {
    pub(super) subject: (Tenant, CheckSubject),
    pub(super) expectation: Expectation,
}

/// The items that have to exist, and what they have to contain.
pub(super) enum Expectation {
    /// The resource is the owner of its name, all of its lookups exist, and so does its record.
    Keys { owner: ResourceId, name: Key, others: Vec<Key> },
    /// The owner of a value has the value.
    Owner { resource: Key, kind: Kind, value: Key },
    /// The other membership item exists, and so does one of these resources, which counts its groups.
    Edge { other: Key, resources: Vec<Key>, is_counted: bool },
    /// If the resource exists, it has this version or a later one; it is gone if there is none.
    Version { resource: Key, version: Option<u64> },
}

impl Expectation {
    /// The keys of the items that have to be read.
    pub(super) fn keys(&self) -> Vec<Key> {
        match self {
            Expectation::Keys { name, others, .. } => others.iter().chain([name]).cloned().collect(),
            Expectation::Owner { resource, .. } | Expectation::Version { resource, .. } => vec![resource.clone()],
            Expectation::Edge { other, resources, .. } => resources.iter().chain([other]).cloned().collect(),
        }
    }

    /// Whether whole items have to be read.
    pub(super) fn needs_whole_items(&self) -> bool {
        matches!(self, Expectation::Keys { .. } | Expectation::Owner { .. })
    }

    /// Whether the items that were read meet the expectation.
    pub(super) fn is_met(&self, check: &TableCheck<'_>, tenant: &Tenant, found: &HashMap<Key, Item>) -> bool {
        match self {
            Expectation::Keys { owner, name, others } => {
                let is_owner = |key| found.get(key).is_some_and(|item| item::text(item, "owner") == Ok(owner.as_str()));
                is_owner(name) && others.iter().all(|key| found.contains_key(key))
            }
            Expectation::Owner { resource, kind, value } => found.get(resource).is_some_and(|item| {
                let stored = item::stored(*kind, item.clone());
                stored.is_ok_and(|stored| check.expected_keys(tenant, &stored).is_some_and(|keys| keys.has(value)))
            }),
            Expectation::Edge { other, resources, is_counted } => {
                let number =
                    |item: &Item| item.get("groupCount").and_then(|count| count.as_n().ok()?.parse::<u64>().ok());
                let is_right = |item: &Item| !*is_counted || number(item).unwrap_or(0) > 0;
                found.contains_key(other) && resources.iter().filter_map(|key| found.get(key)).any(is_right)
            }
            Expectation::Version { resource, version } => found.get(resource).is_none_or(|item| {
                let now = item.get("version").and_then(|version| version.as_n().ok()?.parse::<u64>().ok());
                version.is_some_and(|version| now.is_some_and(|now| now >= version))
            }),
        }
    }
}
