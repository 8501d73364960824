//! The limits of a commit. Their sentences tell an administrator which limit a change exceeds.

use schema::Kind;

use super::plan::{PlanBuilder, lookups};
use crate::membership::chunk;
use crate::{Error, ITEMS_PER_COMMIT, LOOKUPS_PER_RESOURCE, NAME_BYTES, RESOURCE_BYTES, Snapshot, StoredKeys};

/// DynamoDB's limits of one item and of all items of a transaction, in bytes.
const ITEM_BYTES: usize = 400 * 1024;
const COMMIT_BYTES: usize = 4 * 1024 * 1024;
/// What the item of a chunk takes besides its members, or more.
const CHUNK_OVERHEAD_BYTES: usize = 512;

impl PlanBuilder<'_> {
    /// Checks the new version of a resource before anything is sent.
    pub(super) fn check_resource(&self, after: &Snapshot) -> Result<(), Error> {
        if self.commit.kind == Kind::User && !(self.commit.add.is_empty() && self.commit.remove.is_empty()) {
            return Err(Error::Refused("a user has no members".to_owned()));
        }
        if self.commit.add.iter().any(|member| member.id == self.commit.id) {
            return Err(Error::Refused("a group is a member of itself".to_owned()));
        }
        let name = name_attribute(self.commit.kind);
        let bytes = after.keys.name.len();
        if bytes == 0 {
            return Err(Error::Refused(format!("{name} is empty")));
        }
        if bytes > NAME_BYTES {
            return Err(Error::TooLarge(format!(
                "{name} takes {bytes} bytes; at most {NAME_BYTES} can be stored. Shorten it."
            )));
        }
        let values = lookups(&after.keys).len();
        if values > LOOKUPS_PER_RESOURCE {
            return Err(Error::TooLarge(format!(
                "The resource has {values} e-mail addresses and external ids; it may have at most {LOOKUPS_PER_RESOURCE}. Remove some."
            )));
        }
        Ok(())
    }

    /// Checks the planned transaction against DynamoDB's limits.
    pub(super) fn check_limits(&self) -> Result<(), Error> {
        let items = self.actions.len();
        let bytes: usize = self.actions.iter().map(|action| action.bytes).sum();
        let chunks = self.chunks.iter().map(|edges| CHUNK_OVERHEAD_BYTES + chunk::bytes(edges));
        let largest = self.actions.iter().map(|action| action.bytes).chain(chunks).max().unwrap_or(0);
        if largest > ITEM_BYTES {
            return Err(Error::TooLarge(
                "The `display` of a member is too long. Shorten it or leave it out.".to_owned(),
            ));
        }
        if items > ITEMS_PER_COMMIT && self.commit.kind == Kind::User {
            return Err(Error::TooLarge(format!(
                "The request changes too many e-mail addresses and external ids at once; it can add and remove about \
                 {LOOKUPS_PER_RESOURCE} in all. Send the change in smaller parts."
            )));
        }
        if items > ITEMS_PER_COMMIT {
            return Err(Error::TooLarge(format!(
                "The request changes {items} items at once, and at most {ITEMS_PER_COMMIT} can change together. Send the change \
                 in smaller parts."
            )));
        }
        if bytes > COMMIT_BYTES {
            return Err(Error::TooLarge(
                "The request changes more than 4 MB at once. Send the change in smaller parts.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// The JSON of a resource, if one item holds it.
pub(super) fn resource_json(after: &Snapshot) -> Result<String, Error> {
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

/// The keys that are stored with a resource. They are left out if one item does not hold both; the next change makes them
/// again by its own rules.
pub(super) fn storable_keys(after: &Snapshot, json: &str) -> StoredKeys {
    let fits = json.len() + after.keys.stored.bytes() <= RESOURCE_BYTES;
    if fits { after.keys.stored.clone() } else { StoredKeys::default() }
}

fn name_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}
