//! The contents of the items: resources with their versions, membership items, chunks and change records.
//!
//! Attribute names are stored data. A field whose name has changed keeps its attribute by serde's `rename`.

use aws_sdk_dynamodb::types::AttributeValue;
use schema::{Kind, Object, ResourceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::attributes::Item;
use crate::key::Key;
use crate::record_id::RecordId;
use crate::stored_keys::StoredKeys;
use crate::{Error, format};

/// A stored resource. Times are RFC 3339 texts, as the writer gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResource {
    pub id: ResourceId,
    pub kind: Kind,
    /// The version starts at 1 and grows by one with each change.
    pub version: u64,
    pub created: String,
    pub last_modified: String,
    /// The resource without its members.
    pub resource: Object,
    pub member_summary: MemberSummary,
    /// The number of groups that have an edge to this resource, which are those that it is a direct member of.
    pub group_count: u64,
    /// The keys that are stored with it.
    pub keys: StoredKeys,
}

/// The summary of a group's members that the group's item contains. It is empty for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberSummary {
    pub count: u64,
    /// The sum of `member_checksum` over the members, by which a reader checks that the edges it read belong to
    /// this version.
    pub checksum: u64,
    /// The change of members that is committed and whose edges are not all applied yet.
    pub pending: Option<ResourceId>,
}

/// A resource as it was read. Its JSON text is not parsed yet, because it takes up to thirty times the memory when it
/// is.
#[derive(Debug, Clone, PartialEq)]
pub struct UnparsedResource {
    pub id: ResourceId,
    pub kind: Kind,
    item: Item,
}

impl UnparsedResource {
    pub(crate) fn new(kind: Kind, item: Item) -> Result<Self, Error> {
        Ok(Self { id: id(text(&item, crate::key::SK)?)?, kind, item })
    }

    /// The bytes of the resource as JSON.
    pub fn bytes(&self) -> usize {
        text(&self.item, "resource").map_or(0, str::len)
    }

    /// Parses the resource.
    ///
    /// # Errors
    /// `NewerFormat`, `Corrupt`.
    pub fn parse(self) -> Result<StoredResource, Error> {
        stored(self.kind, self.item)
    }
}

/// The share of one member in a group's checksum: 40 of the random bits of its id.
pub(crate) fn member_checksum(id: &ResourceId) -> u64 {
    u64::from_str_radix(id.as_str().get(26..).unwrap_or_default(), 16).unwrap_or_default()
}

/// The item of a resource. The resource is one JSON text, so numbers stay as they were sent and DynamoDB's types
/// limit no name or value.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceItem {
    #[serde(default)]
    pub(crate) resource: String,
    pub(crate) version: u64,
    pub(crate) created: String,
    pub(crate) last_modified: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) member_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "memberMarks")]
    pub(crate) member_checksum: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<String>,
    /// The record of the change that wrote this version. Items of 0.1.0 have none.
    #[serde(skip_deserializing)]
    pub(crate) record: RecordId,
    #[serde(default, skip_serializing_if = "StoredKeys::is_empty")]
    pub(crate) keys: StoredKeys,
    #[serde(default, skip_serializing)]
    pub(crate) group_count: i64,
}

/// The item of a unique name or of a lookup: the resource that has the value.
#[derive(Serialize, Deserialize)]
pub(crate) struct OwnerItem {
    pub(crate) owner: String,
}

/// The edge from a group to its member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberItem {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
}

/// The edge from a member to its group. Its key contains all data.
#[derive(Serialize)]
pub(crate) struct MemberOfItem {}

/// A chunk of a large change of members. It is written before the change is committed and takes effect with the
/// commit. Once it is applied to the edges, it is kept as the list of members that the change record lacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChunkItem {
    /// Members that the group gains.
    pub(crate) add: Vec<ChunkMember>,
    /// Members that stay, with another edge.
    #[serde(rename = "show")]
    pub(crate) update: Vec<ChunkMember>,
    /// Members that the group loses.
    pub(crate) remove: Vec<ChunkMember>,
    #[serde(default)]
    pub(crate) applied: bool,
    /// When it was applied, in seconds since 1970.
    #[serde(default, rename = "appliedAt", skip_serializing)]
    pub(crate) applied_at: Option<u64>,
    /// A chunk that is not applied has the end of the year 9999 as its time, because version 0.1.0 does not read a
    /// chunk without a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<u64>,
    /// The first members of the chunks that were split off, because the members were too large for one transaction.
    #[serde(default, rename = "splitOff", skip_serializing)]
    pub(crate) split_off: Vec<String>,
}

/// The lists of a chunk alone.
#[derive(Serialize)]
pub(crate) struct MemberLists {
    pub(crate) add: Vec<ChunkMember>,
    #[serde(rename = "show")]
    pub(crate) update: Vec<ChunkMember>,
    pub(crate) remove: Vec<ChunkMember>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChunkMember {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) edge: MemberItem,
}

/// A committed change whose edges are not all applied: a large change of members, or the delete of a resource with
/// edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PendingItem {
    pub(crate) kind: Kind,
    pub(crate) deleted: bool,
    /// The large change. A delete has one if it came before that change was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
    /// The number of chunks of the large change.
    #[serde(default, rename = "parts")]
    pub(crate) chunks: usize,
    /// The groups of a deleted resource, unless they are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<String>,
    /// The token whose holder made the change.
    pub(crate) token: String,
    /// The time of the change, as RFC 3339 text.
    pub(crate) at: String,
    /// Whether the change is on the list of unfinished changes.
    #[serde(default, rename = "listed")]
    pub(crate) is_listed: bool,
    /// For a delete: the time at which no edge was found any more, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) empty_at: Option<u64>,
}

/// The time when a tenant's latest large change was applied to all of its edges, in milliseconds since 1970.
#[derive(Debug, Deserialize)]
pub(crate) struct LastSettledItem {
    #[serde(rename = "settled")]
    pub(crate) settled_at_ms: u64,
}

/// Builds the item with this key and body.
pub(crate) fn with_key(key: &Key, body: &impl Serialize) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(body).map_err(|error| Error::Corrupt(error.to_string()))?;
    item.extend(key.attributes());
    item.insert(format::ATTRIBUTE.to_owned(), format::value());
    Ok(item)
}

/// Reads an item's body and ignores its other attributes.
///
/// # Errors
/// `NewerFormat`, `Corrupt`.
pub(crate) fn body<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    format::check(&item)?;
    // `from_item` would copy the map twice.
    serde_dynamo::from_attribute_value(AttributeValue::M(item))
        .map_err(|_| Error::Corrupt("an item lacks an attribute or has a wrong type".to_owned()))
}

pub(crate) fn text<'a>(item: &'a Item, attribute: &str) -> Result<&'a str, Error> {
    let value = item.get(attribute).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| Error::Corrupt(format!("an item has no text attribute {attribute}")))
}

pub(crate) fn id(text: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(text).ok_or_else(|| Error::Corrupt("an id is not a UUID".to_owned()))
}

pub(crate) fn stored(kind: Kind, item: Item) -> Result<StoredResource, Error> {
    let id = id(text(&item, crate::key::SK)?)?;
    let item: ResourceItem = body(item)?;
    let resource = match item.resource.as_str() {
        "" => Object::new(),
        json => serde_json::from_str(json)
            .map_err(|_| Error::Corrupt(format!("the JSON of {kind} {id} cannot be parsed")))?,
    };
    Ok(StoredResource {
        id,
        kind,
        version: item.version,
        created: item.created,
        last_modified: item.last_modified,
        resource,
        member_summary: MemberSummary {
            count: item.member_count.map_or(0, count),
            checksum: item.member_checksum.map_or(0, count),
            pending: item.pending.map(|change| self::id(&change)).transpose()?,
        },
        group_count: count(item.group_count),
        keys: item.keys,
    })
}

/// A count, which is negative only in a table that was restored to the middle of a commit; then it is shown as zero.
fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}
