//! Reading change records: from the table in the order of their ids, and from the images of the table's stream.

use jiff::Timestamp;
use protocol::Tenant;
use protocol::event::{Change, ChangeType, GroupExit, MemberDelta};
use schema::{Kind, ResourceId};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::attributes::Item;
use crate::clock::now_seconds;
use crate::item;
use crate::key;
use crate::read::query::CollectionQuery;
use crate::{Directory, Error, format};

/// A change record as it is stored. Attributes that some records lack have defaults.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordItem {
    pk: String,
    sk: String,
    token: String,
    #[serde(rename = "what")]
    change_type: String,
    resource_type: Kind,
    id: String,
    #[serde(default)]
    attributes: Vec<String>,
    version_before: Option<u64>,
    version_after: Option<u64>,
    #[serde(default)]
    members_added: Vec<String>,
    #[serde(default)]
    members_removed: Vec<String>,
    #[serde(default, rename = "membersShown")]
    members_updated: Vec<String>,
    #[serde(default)]
    groups_left: Vec<LeftGroupItem>,
    active: Option<bool>,
    #[serde(default, rename = "inParts")]
    is_chunked: bool,
    at: String,
    previous_at: Option<String>,
    expires: Option<u64>,
    /// The images of the stream are not read as items, so that their format is checked here.
    #[serde(default)]
    format: u64,
}

/// A group that a deleted member left. Old records contain only its id, without the version.
#[derive(Deserialize)]
#[serde(untagged)]
enum LeftGroupItem {
    #[serde(rename_all = "camelCase")]
    Versioned {
        id: String,
        version: u64,
        previous_at: Option<String>,
    },
    Bare(String),
}

/// Changes of a tenant, the earliest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangePage {
    pub changes: Vec<Change>,
    /// The sort keys of the records between them that cannot be read: a newer version of this service has written them,
    /// or they are damaged.
    pub unreadable: Vec<String>,
}

impl Directory {
    /// At most `limit` changes of a tenant after the change `after`, which need not exist. Expired records are left
    /// out, because DynamoDB deletes them within days, in any order. If there are fewer changes, they are the last
    /// ones.
    ///
    /// # Errors
    /// `Throttled`, `Unavailable`, `Refused`.
    pub async fn changes(
        &self,
        tenant: &Tenant,
        after: Option<&ResourceId>,
        limit: usize,
    ) -> Result<ChangePage, Error> {
        let now = now_seconds();
        let mut after = after.map(ToString::to_string);
        let mut page = ChangePage::default();
        loop {
            let all = CollectionQuery::all(key::changes(tenant));
            let remaining = limit - page.changes.len();
            let query = CollectionQuery { after: after.as_deref(), ..all };
            let items = self.query(query, Some(remaining)).await?;
            let is_last = items.len() < remaining;
            for item in items {
                let sk = item::text(&item, key::SK)?.to_owned();
                match unexpired_change(item, now) {
                    Ok(change) => page.changes.extend(change),
                    Err(cause) => {
                        tracing::error!(%cause, record = sk, "a change record cannot be read, and is passed over");
                        page.unreadable.push(sk.clone());
                    }
                }
                after = Some(sk);
            }
            if is_last || page.changes.len() == limit {
                return Ok(page);
            }
        }
    }
}

/// Reads the change from the `NewImage` of a record of the table's stream, which is in DynamoDB's JSON.
///
/// # Errors
/// `Corrupt` if it is not a change record, `NewerFormat` if only a newer release can read it.
pub fn change_of_image(image: Map<String, Value>) -> Result<Change, Error> {
    let values = image.into_iter().map(|(name, value)| Some((name, plain(value)?))).collect::<Option<Map<_, _>>>();
    let values = values.ok_or_else(|| corrupt("is not in DynamoDB's JSON"))?;
    change(serde_json::from_value(values.into()).map_err(|_| corrupt("lacks an attribute or has a wrong type"))?)
}

/// Whether version 0.1.0 wrote the record of this image. It did not list the changes that it left unfinished.
pub fn is_of_first_release(image: &Map<String, Value>) -> bool {
    !image.contains_key(format::ATTRIBUTE)
}

/// The smallest id that a change of this millisecond since 1970 can have.
pub fn first_change_id(milliseconds: u64) -> Option<ResourceId> {
    ResourceId::parse(&uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid().to_string())
}

/// The time when an id was generated, in milliseconds since 1970, or `None` if it is not a UUID of version 7.
pub fn created_at_ms(id: &ResourceId) -> Option<u64> {
    let (seconds, nanoseconds) = Uuid::parse_str(id.as_str()).ok()?.get_timestamp()?.to_unix();
    Some(seconds.saturating_mul(1000).saturating_add(u64::from(nanoseconds / 1_000_000)))
}

/// The time when the id of the change record with this sort key was generated, in milliseconds since 1970.
pub fn record_created_at_ms(sk: &str) -> Option<u64> {
    ResourceId::parse(sk).as_ref().and_then(created_at_ms)
}

pub(crate) fn change_of_item(item: Item) -> Result<Change, Error> {
    change(item::body(item)?)
}

/// The change of a record, unless it has expired at this time, in seconds since 1970.
fn unexpired_change(item: Item, now: u64) -> Result<Option<Change>, Error> {
    let record: RecordItem = item::body(item)?;
    if record.expires.is_some_and(|expires| expires <= now) {
        return Ok(None);
    }
    change(record).map(Some)
}

fn change(record: RecordItem) -> Result<Change, Error> {
    if !format::is_known(record.format) {
        return Err(Error::NewerFormat);
    }
    let tenant = record.pk.strip_suffix(key::CHANGES).and_then(Tenant::named);
    let word = key::word(record.resource_type);
    let change_type = ChangeType::ALL.into_iter().find(|it| record.change_type == format!("{word}.{}", it.name()));
    let ids = |ids: &[String]| ids.iter().map(|id| item::id(id)).collect::<Result<Vec<_>, _>>();
    let exits = record.groups_left.iter().map(|left| match left {
        LeftGroupItem::Versioned { id, version, previous_at } => {
            Ok(GroupExit { group: item::id(id)?, version: Some(*version), previous_at: time_of_previous(previous_at)? })
        }
        LeftGroupItem::Bare(id) => Ok(GroupExit { group: item::id(id)?, version: None, previous_at: None }),
    });
    Ok(Change {
        id: item::id(&record.sk)?,
        tenant: tenant.ok_or_else(|| corrupt("belongs to no tenant"))?,
        kind: record.resource_type,
        resource: item::id(&record.id)?,
        change_type: change_type.ok_or_else(|| corrupt("has an unknown type"))?,
        before: record.version_before,
        after: record.version_after,
        members: MemberDelta { added: ids(&record.members_added)?, removed: ids(&record.members_removed)? },
        display_updated: ids(&record.members_updated)?,
        is_chunked: record.is_chunked,
        group_exits: exits.collect::<Result<_, Error>>()?,
        active: record.active,
        at: time(&record.at)?,
        previous_at: time_of_previous(&record.previous_at)?,
        token: record.token,
        attributes: record.attributes,
    })
}

fn time(text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|_| corrupt("has no time"))
}

fn time_of_previous(text: &Option<String>) -> Result<Option<Timestamp>, Error> {
    text.as_deref().map(time).transpose()
}

/// Converts a value of DynamoDB's JSON, such as `{"N": "1"}`, to plain JSON. The change records of the table
/// contain no binary values and no sets.
fn plain(value: Value) -> Option<Value> {
    let Value::Object(typed) = value else { return None };
    let (kind, value) = typed.into_iter().next()?;
    match (kind.as_str(), value) {
        ("S", text @ Value::String(_)) => Some(text),
        ("N", Value::String(number)) => serde_json::from_str::<serde_json::Number>(&number).ok().map(Value::Number),
        ("BOOL", it @ Value::Bool(_)) => Some(it),
        ("NULL", _) => Some(Value::Null),
        ("L", Value::Array(list)) => list.into_iter().map(plain).collect::<Option<Vec<_>>>().map(Value::Array),
        ("M", Value::Object(map)) => {
            let map = map.into_iter().map(|(name, value)| Some((name, plain(value)?)));
            map.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

fn corrupt(problem: &str) -> Error {
    Error::Corrupt(format!("a change record {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";

    fn image() -> Value {
        json!({
            "pk": {"S": "acme#change"}, "sk": {"S": ID}, "token": {"S": "t-1"}, "what": {"S": "user.deleted"},
            "resourceType": {"S": "User"}, "id": {"S": ID}, "attributes": {"L": [{"S": "title"}]},
            "versionBefore": {"N": "3"}, "at": {"S": "2026-01-02T03:04:05.678Z"}, "expires": {"N": "1"},
            "groupsLeft": {"L": [{"M": {"id": {"S": ID}, "version": {"N": "7"}}}, {"S": ID}]},
        })
    }

    fn read(image: Value) -> Result<Change, Error> {
        change_of_image(image.as_object().unwrap().clone())
    }

    #[test]
    fn stream_image_becomes_a_change() {
        let change = read(image()).unwrap();
        let id = ResourceId::parse(ID).unwrap();
        let left = [Some(7), None].map(|version| GroupExit { group: id.clone(), version, previous_at: None });
        assert_eq!(change.group_exits, left);
        assert_eq!(change.tenant.as_str(), "acme");
        assert_eq!(change.change_type, ChangeType::Deleted);
        assert_eq!((change.before, change.after), (Some(3), None));
        assert_eq!(change.attributes, ["title"]);
        assert_eq!(change.active, None);
        assert!(!change.is_chunked);

        let mut large = image();
        large["what"] = json!({"S": "user.updated"});
        large["inParts"] = json!({"BOOL": true});
        large["active"] = json!({"BOOL": false});
        large["membersAdded"] = json!({"L": [{"S": ID}]});
        let change = read(large).unwrap();
        assert!(change.is_chunked);
        assert_eq!(change.active, Some(false));
        assert_eq!(change.members.added, [id]);
    }

    #[test]
    fn image_that_is_not_a_change_record_is_corrupt() {
        for (name, value) in [
            ("what", json!({"S": "group.deleted"})),
            ("what", json!({"S": "user.sung"})),
            ("what", json!({"N": "1"})),
            ("pk", json!({"S": "acme#user"})),
            ("pk", json!({"S": "A#change"})),
            ("sk", json!({"S": "1"})),
            ("at", json!({"S": "yesterday"})),
            ("versionBefore", json!({"N": "x"})),
            ("id", json!(ID)),
            ("id", json!({"SS": [ID]})),
            ("groupsLeft", json!({"L": [{"N": "1"}]})),
        ] {
            let mut image = image();
            image[name] = value.clone();
            assert!(matches!(read(image), Err(Error::Corrupt(_))), "{name}: {value}");
        }
    }

    #[test]
    fn id_contains_its_timestamp() {
        for milliseconds in [0, 1, 1_767_323_045_678] {
            let first = first_change_id(milliseconds).unwrap();
            assert_eq!(created_at_ms(&first), Some(milliseconds));
            assert!(first_change_id(milliseconds + 1).unwrap() > first);
        }
        let other = ResourceId::parse("0191b1c8-7a60-4c3e-8a3e-0123456789ab").unwrap();
        assert_eq!(created_at_ms(&other), None, "version 4");
    }
}
