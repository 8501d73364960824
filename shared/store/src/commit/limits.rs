//! The limits of a commit. The texts of the errors name the limit that a change exceeds, for an administrator.

use schema::Kind;

use super::request::{Commit, KeyedResource};
use crate::membership::edge_changes::EdgeChanges;
use crate::membership::split::chunk_bytes;
use crate::transaction::action::WriteAction;
use crate::{Error, NAME_BYTES, StoredKeys};

/// DynamoDB's limit of items in one transaction.
pub const ITEMS_PER_COMMIT: usize = 100;
/// The number of members that one commit can add, remove and change together, whatever else it changes.
pub const MEMBER_CHANGES_PER_COMMIT: usize = 30;
/// The number of lookups that a resource may have, so that its delete always fits in one commit.
pub const LOOKUPS_PER_RESOURCE: usize = protocol::limits::LOOKUPS_PER_RESOURCE;
/// The size of a resource's JSON in bytes: DynamoDB's limit of an item, less the item's other attributes.
pub const RESOURCE_BYTES: usize = protocol::limits::RESOURCE_BYTES;

/// DynamoDB's limits of one item and of all items of a transaction, in bytes.
const ITEM_BYTES: usize = 400 * 1024;
pub(crate) const COMMIT_BYTES: usize = 4 * 1024 * 1024;
/// An upper bound of the bytes that the item of a chunk takes besides its members.
pub(crate) const CHUNK_OVERHEAD_BYTES: usize = 512;

/// Checks the new version of a resource before anything is sent.
pub(super) fn check_resource(commit: &Commit, after: &KeyedResource) -> Result<(), Error> {
    if commit.kind == Kind::User && !(commit.add.is_empty() && commit.remove.is_empty()) {
        return Err(Error::Refused("a user has no members".to_owned()));
    }
    if commit.add.iter().any(|member| member.id == commit.id) {
        return Err(Error::Refused("a group is a member of itself".to_owned()));
    }
    let name = name_attribute(commit.kind);
    let bytes = after.keys.name.len();
    if bytes == 0 {
        return Err(Error::Refused(format!("{name} is empty")));
    }
    if bytes > NAME_BYTES {
        return Err(Error::TooLarge(format!(
            "{name} takes {bytes} bytes; at most {NAME_BYTES} can be stored. Shorten it."
        )));
    }
    let values = after.keys.distinct_lookups().len();
    if values > LOOKUPS_PER_RESOURCE {
        return Err(Error::TooLarge(format!(
            "The resource has {values} e-mail addresses and external ids; it may have at most \
             {LOOKUPS_PER_RESOURCE}. Remove some."
        )));
    }
    Ok(())
}

/// Checks the planned transaction and its chunks against DynamoDB's limits.
pub(super) fn check_plan(kind: Kind, actions: &[WriteAction], chunks: &[EdgeChanges]) -> Result<(), Error> {
    let items = actions.len();
    let bytes: usize = actions.iter().map(|action| action.bytes).sum();
    let chunks = chunks.iter().map(|edges| CHUNK_OVERHEAD_BYTES + chunk_bytes(edges));
    let largest = actions.iter().map(|action| action.bytes).chain(chunks).max().unwrap_or(0);
    if largest > ITEM_BYTES {
        return Err(Error::TooLarge("The `display` of a member is too long. Shorten it or leave it out.".to_owned()));
    }
    if items > ITEMS_PER_COMMIT && kind == Kind::User {
        return Err(Error::TooLarge(format!(
            "The request changes too many e-mail addresses and external ids at once; it can add and remove about \
             {LOOKUPS_PER_RESOURCE} in all. Send the change in smaller parts."
        )));
    }
    if items > ITEMS_PER_COMMIT {
        return Err(Error::TooLarge(format!(
            "The request changes {items} items at once, and at most {ITEMS_PER_COMMIT} can change together. Send \
             the change in smaller parts."
        )));
    }
    if bytes > COMMIT_BYTES {
        return Err(Error::TooLarge(
            "The request changes more than 4 MB at once. Send the change in smaller parts.".to_owned(),
        ));
    }
    Ok(())
}

/// The JSON of a resource, if one item holds it.
pub(super) fn resource_json(after: &KeyedResource) -> Result<String, Error> {
    let json = serde_json::to_string(&after.resource);
    let json = json.map_err(|_| Error::Refused("the resource cannot be written as JSON".to_owned()))?;
    if json.len() <= RESOURCE_BYTES {
        return Ok(json);
    }
    let takes = json.len().div_ceil(1024);
    let limit = RESOURCE_BYTES / 1024;
    Err(Error::TooLarge(format!(
        "The resource takes {takes} KB without its members; at most {limit} KB can be stored. Shorten or remove values."
    )))
}

/// The keys that are stored with a resource. They are left out if one item cannot hold both the resource and its keys;
/// the next change computes them again by its own rules.
pub(super) fn storable_keys(after: &KeyedResource, json: &str) -> StoredKeys {
    let fits = json.len() + after.keys.stored.bytes() <= RESOURCE_BYTES;
    if fits { after.keys.stored.clone() } else { StoredKeys::default() }
}

fn name_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}
