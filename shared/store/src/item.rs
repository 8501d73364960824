//! What the items hold: the resource with its version, the edges and the change record.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use schema::{Kind, Object, ResourceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::key::Key;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A resource as it is stored. Times are RFC 3339 texts, as the writer gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: ResourceId,
    pub kind: Kind,
    /// Starts at 1 and grows by one with each change.
    pub version: u64,
    pub created: String,
    pub last_modified: String,
    /// The resource without its members; empty where only keys were asked for.
    pub resource: Object,
    pub member_summary: MemberSummary,
    /// How many groups it is a direct member of, by their edges.
    pub group_count: u64,
}

/// What a group knows of its members; nothing for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberSummary {
    pub count: u64,
    /// The sum of `member_checksum` over the members: whether edges that were read are those of this version.
    pub checksum: u64,
    /// The change of members that is committed and not yet applied to all edges.
    pub pending: Option<ResourceId>,
}

/// What one member adds to a group's marks: 40 bits of the random ones of its id.
pub(crate) fn member_checksum(id: &ResourceId) -> u64 {
    u64::from_str_radix(id.as_str().get(26..).unwrap_or_default(), 16).unwrap_or_default()
}

/// The resource is one JSON text, so numbers stay as they were sent and no name or value is foreign to DynamoDB.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceItem {
    #[serde(default)]
    pub(crate) resource: String,
    pub(crate) version: u64,
    pub(crate) created: String,
    pub(crate) last_modified: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) member_count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) member_marks: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<String>,
    #[serde(default, skip_serializing)]
    pub(crate) group_count: u64,
}

/// Whose a name or another looked-up value is.
#[derive(Serialize, Deserialize)]
pub(crate) struct OwnerItem {
    pub(crate) owner: String,
}

/// An edge from a group to its member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberItem {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
}

/// An edge from a member to its group: its key says all.
#[derive(Serialize)]
pub(crate) struct MemberOfItem {}

/// A part of a large change of members. It is written before the change is committed, and counts from then on; once it is
/// applied to the edges, it is what the change record lacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartItem {
    /// Members that come.
    pub(crate) add: Vec<PartMember>,
    /// Members that stay, with another edge.
    pub(crate) show: Vec<PartMember>,
    /// Members that go.
    pub(crate) remove: Vec<PartMember>,
    #[serde(default)]
    pub(crate) applied: bool,
    pub(crate) expires: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartMember {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) edge: MemberItem,
}

/// What is committed and left to do for a resource: its large change of members, or, after its delete, its edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PendingItem {
    pub(crate) kind: Kind,
    pub(crate) deleted: bool,
    /// The large change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
    /// In how many parts it is.
    #[serde(default)]
    pub(crate) parts: usize,
    /// Who made the change, and when.
    pub(crate) token: String,
    pub(crate) at: String,
}

/// When a large change of a tenant was last applied to all edges, in milliseconds since 1970.
#[derive(Debug, Deserialize)]
pub(crate) struct SettledItem {
    pub(crate) settled: u64,
}

/// Who did what, and when: the audit log, and what later work follows. It names attributes, never their values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeItem<'a> {
    pub(crate) token: &'a str,
    pub(crate) what: String,
    pub(crate) resource_type: Kind,
    pub(crate) id: &'a str,
    pub(crate) attributes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_after: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_removed: Vec<String>,
    /// Members that stayed, with another edge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_shown: Vec<String>,
    /// The members are in parts of their own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(rename = "inParts")]
    pub(crate) is_chunked: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups_left: Vec<LeftGroup<'a>>,
    /// What a user's `active` has become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    pub(crate) at: &'a str,
    pub(crate) expires: u64,
}

/// A group that a deleted member has left, and the version that it has since.
#[derive(Serialize)]
pub(crate) struct LeftGroup<'a> {
    pub(crate) id: &'a str,
    pub(crate) version: u64,
}

/// The item of `key` that holds `body`.
pub(crate) fn with_key(key: &Key, body: &impl Serialize) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(body).map_err(|error| Error::Corrupt(error.to_string()))?;
    item.extend(key.attributes());
    Ok(item)
}

/// Reads an item's body, whatever else it holds.
pub(crate) fn body<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    // `from_item` would copy the map twice.
    serde_dynamo::from_attribute_value(AttributeValue::M(item))
        .map_err(|_| Error::Corrupt("an item lacks an attribute or has a wrong type".to_owned()))
}

pub(crate) fn text<'a>(item: &'a Item, attribute: &str) -> Result<&'a str, Error> {
    let value = item.get(attribute).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| Error::Corrupt(format!("an item has no text {attribute}")))
}

pub(crate) fn id(text: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(text).ok_or_else(|| Error::Corrupt("an id is no UUID".to_owned()))
}

pub(crate) fn stored(kind: Kind, item: Item) -> Result<Stored, Error> {
    let id = id(text(&item, crate::key::SK)?)?;
    let item: ResourceItem = body(item)?;
    let resource = match item.resource.as_str() {
        "" => Object::new(),
        json => serde_json::from_str(json).map_err(|_| Error::Corrupt(format!("the JSON of {kind} {id}")))?,
    };
    Ok(Stored {
        id,
        kind,
        version: item.version,
        created: item.created,
        last_modified: item.last_modified,
        resource,
        member_summary: MemberSummary {
            count: item.member_count.unwrap_or(0),
            checksum: item.member_marks.unwrap_or(0),
            pending: item.pending.map(|change| self::id(&change)).transpose()?,
        },
        group_count: item.group_count,
    })
}

/// The size by which DynamoDB limits an item, in bytes: never less than DynamoDB finds.
pub(crate) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len() + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| value_size(value) + 1).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, value)| name.len() + value_size(value) + 1).sum::<usize>(),
        _ => 1,
    }
}
