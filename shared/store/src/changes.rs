//! Reading change records: in the order of their ids, and as the table's stream hands them over.

use protocol::Tenant;
use protocol::event::{Change, ChangeType, GroupExit, MemberDelta};
use schema::{Kind, ResourceId};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::item;
use crate::key;
use crate::paging::page::CollectionQuery;
use crate::{Directory, Error};

/// What a record holds. All that is not in each of them may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordItem {
    pk: String,
    sk: String,
    token: String,
    what: String,
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
    #[serde(default)]
    members_shown: Vec<String>,
    #[serde(default)]
    groups_left: Vec<LeftItem>,
    active: Option<bool>,
    #[serde(default)]
    #[serde(rename = "inParts")]
    is_chunked: bool,
    at: String,
}

/// Records that are older than groups' versions in them have bare ids.
#[derive(Deserialize)]
#[serde(untagged)]
enum LeftItem {
    Versioned { id: String, version: u64 },
    Bare(String),
}

impl Directory {
    /// At most `limit` changes of a tenant after the one called `after`, which need not exist; the earliest first.
    pub async fn changes(
        &self,
        tenant: &Tenant,
        after: Option<&ResourceId>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let query =
            CollectionQuery { after: after.map(ResourceId::as_str), ..CollectionQuery::all(key::changes(tenant)) };
        self.query(query, Some(limit)).await?.into_iter().map(|item| change(item::body(item)?)).collect()
    }
}

/// The change in a record of the table's stream: its `NewImage`, in DynamoDB's JSON.
pub fn change_of_image(image: Map<String, Value>) -> Result<Change, Error> {
    let values = image.into_iter().map(|(name, value)| Some((name, plain(value)?))).collect::<Option<Map<_, _>>>();
    let values = values.ok_or_else(|| corrupt("is not in DynamoDB's JSON"))?;
    change(serde_json::from_value(values.into()).map_err(|_| corrupt("lacks an attribute or has a wrong type"))?)
}

/// The least id that a change made in this millisecond since 1970 can have.
pub fn first_change_id(milliseconds: u64) -> Option<ResourceId> {
    ResourceId::parse(&uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid().to_string())
}

/// When an id was made, in milliseconds since 1970; nothing, if it is not of version 7.
pub fn created_at_ms(id: &ResourceId) -> Option<u64> {
    let (seconds, nanoseconds) = Uuid::parse_str(id.as_str()).ok()?.get_timestamp()?.to_unix();
    Some(seconds.saturating_mul(1000).saturating_add(u64::from(nanoseconds / 1_000_000)))
}

fn change(record: RecordItem) -> Result<Change, Error> {
    let tenant = record.pk.strip_suffix(key::CHANGES).and_then(Tenant::named);
    let word = key::word(record.resource_type);
    let verb = ChangeType::ALL.into_iter().find(|verb| record.what == format!("{word}.{}", verb.name()));
    let ids = |ids: &[String]| ids.iter().map(|id| item::id(id)).collect::<Result<Vec<_>, _>>();
    let left = record.groups_left.iter().map(|left| match left {
        LeftItem::Versioned { id, version } => Ok(GroupExit { group: item::id(id)?, version: Some(*version) }),
        LeftItem::Bare(id) => Ok(GroupExit { group: item::id(id)?, version: None }),
    });
    Ok(Change {
        id: item::id(&record.sk)?,
        tenant: tenant.ok_or_else(|| corrupt("is no tenant's"))?,
        kind: record.resource_type,
        resource: item::id(&record.id)?,
        verb: verb.ok_or_else(|| corrupt("tells of something unknown"))?,
        before: record.version_before,
        after: record.version_after,
        members: MemberDelta { added: ids(&record.members_added)?, removed: ids(&record.members_removed)? },
        display_updated: ids(&record.members_shown)?,
        is_chunked: record.is_chunked,
        left: left.collect::<Result<_, Error>>()?,
        active: record.active,
        at: record.at.parse().map_err(|_| corrupt("has no time"))?,
        token: record.token,
        attributes: record.attributes,
    })
}

/// A value without the letter of its type. Binary values and sets are none of ours.
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

fn corrupt(what: &str) -> Error {
    Error::Corrupt(format!("a change record {what}"))
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
    fn an_image_of_the_stream_is_read() {
        let change = read(image()).unwrap();
        let id = ResourceId::parse(ID).unwrap();
        let left = [Some(7), None].map(|version| GroupExit { group: id.clone(), version });
        assert_eq!(change.left, left);
        assert_eq!(
            (change.tenant.as_str(), change.verb, change.before, change.after),
            ("acme", ChangeType::Deleted, Some(3), None)
        );
        assert_eq!((change.attributes, change.active, change.is_chunked), (vec!["title".to_owned()], None, false));

        let mut large = image();
        large["what"] = json!({"S": "user.updated"});
        large["inParts"] = json!({"BOOL": true});
        large["active"] = json!({"BOOL": false});
        large["membersAdded"] = json!({"L": [{"S": ID}]});
        let change = read(large).unwrap();
        assert_eq!((change.is_chunked, change.active, change.members.added), (true, Some(false), vec![id]));
    }

    #[test]
    fn what_is_no_change_record_is_refused() {
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
    fn an_id_tells_its_time() {
        for milliseconds in [0, 1, 1_767_323_045_678] {
            let first = first_change_id(milliseconds).unwrap();
            assert_eq!(created_at_ms(&first), Some(milliseconds));
            assert!(first_change_id(milliseconds + 1).unwrap() > first);
        }
        let other = ResourceId::parse("0191b1c8-7a60-4c3e-8a3e-0123456789ab").unwrap();
        assert_eq!(created_at_ms(&other), None, "version 4");
    }
}
