//! People who are deleted are gone: no value of theirs is anywhere in the table.

use std::time::{Duration, Instant};

use protocol::{Parameters, Query};
use schema::{Attribute, DataType, Kind, Mutability, ResourceId, resource_type};
use serde_json::{Map, Value, json};
use store::{ChangeRecord, Commit, KeyedResource, Keys, Member, ResourceWrite};

use crate::fixture::Fixture;

/// A text that is part of each value. It sorts before other names.
const CANARY: &str = "0canary";
/// So many members make a large change.
const MEMBERS: usize = 40;

/// A value for each attribute that a client can write.
fn values<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> Map<String, Value> {
    let writable = attributes.filter(|it| it.mutability != Mutability::ReadOnly && it.name != "members");
    writable.map(|attribute| (attribute.name.clone(), value(attribute))).collect()
}

fn value(attribute: &Attribute) -> Value {
    let one = match attribute.data_type {
        DataType::Complex => Value::Object(values(attribute.sub_attributes.iter())),
        DataType::Boolean => json!(true),
        DataType::Decimal | DataType::Integer => json!(1),
        DataType::DateTime => json!("2026-01-02T03:04:05Z"),
        DataType::Binary => json!("MGNhbmFyeQ=="),
        DataType::Reference => json!(format!("https://{CANARY}.example/x")),
        DataType::String if attribute.name == "$ref" => json!(format!("https://{CANARY}.example/x")),
        DataType::String => json!(format!("{CANARY}@{}.example", attribute.name.to_lowercase())),
    };
    if attribute.multi_valued { json!([one]) } else { one }
}

/// A resource with a value for each attribute of its type and of the extensions.
fn canary(kind: Kind) -> Value {
    let resource_type = resource_type(kind);
    let mut body = values(resource_type.attributes());
    for extension in schema::schemas() {
        if resource_type.extension(&extension.id).is_some() {
            body.insert(extension.id.clone(), Value::Object(values(extension.attributes.iter())));
        }
    }
    let urns: Vec<String> = body.keys().filter(|name| name.starts_with("urn:")).cloned().collect();
    let core = format!("urn:ietf:params:scim:schemas:core:2.0:{}", kind.name());
    body.insert("schemas".to_owned(), urns.into_iter().chain([core]).collect());
    body.remove("id");
    body.remove("meta");
    Value::Object(body)
}

impl Fixture {
    /// The collections in which the canary is, in its writing or in Base64.
    fn traces(&self) -> Vec<String> {
        let is_trace = |item: &Value| {
            let text = item.to_string().to_lowercase();
            text.contains(CANARY) || text.contains("mgnhbmfyeq")
        };
        let items = self.all_items().into_iter().filter(is_trace);
        items.map(|item| item["pk"]["S"].as_str().unwrap().to_owned()).collect()
    }

    /// A list by pages, so that its bookmark has the value by which it is sorted.
    async fn sorted_page(&self, sort_by: &str) {
        let parameters = Parameters { sort_by: Some(sort_by.to_owned()), count: Some(1), ..Parameters::default() };
        let query = Query::parse(&[Kind::User], parameters, &self.caller.dialect).unwrap();
        let page = service::list(&self.context(), &query).await.unwrap().body.unwrap();
        assert!(json!(page).to_string().contains(CANARY), "the first user of the list by {sort_by}");
    }

    /// Prepares a large change with the canary as the display name of its members, and never commits it.
    async fn prepare_and_die(&self, group: &str, members: &[String]) {
        let member =
            |id: &String| Member { id: ResourceId::parse(id).unwrap(), kind: Kind::User, display: Some(CANARY.into()) };
        let after = KeyedResource { resource: Map::new(), keys: Keys { name: "g".to_owned(), ..Keys::default() } };
        let change = ChangeRecord {
            id: ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(),
            at: "2026-01-02T03:04:05.678Z".to_owned(),
            attributes: Vec::new(),
            active: None,
            previous_at: None,
        };
        let write = ResourceWrite::Update { expected: 9, before: after.keys.clone(), after };
        let id = ResourceId::parse(group).unwrap();
        let add = members.iter().map(member).collect();
        let commit = Commit { kind: Kind::Group, id, write, add, remove: vec![], group_exits: vec![], change };
        // Nobody sends or aborts it.
        drop(self.directory.prepare(&self.caller, &commit, false).await.unwrap());
    }

    async fn finish_all(&self) {
        for change in self.directory.unfinished_changes(u64::MAX / 2).await.unwrap() {
            self.directory.finish_change(&change, Instant::now() + Duration::from_secs(60)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_deleted_resource_stays_in_the_table() {
    let fixture = Fixture::new().await;
    let person = fixture.create(Kind::User, canary(Kind::User)).await;
    let mut people = Vec::new();
    for number in 0..MEMBERS {
        people.push(fixture.user(&format!("user-{number}")).await);
    }
    let shown = |id: &String| json!({"value": id, "display": CANARY});
    let group = fixture.create(Kind::Group, canary(Kind::Group)).await;
    let small: Vec<Value> = [&person].into_iter().chain(&people[..5]).map(shown).collect();
    let large: Vec<Value> = people.iter().map(shown).collect();
    for members in [small, large] {
        let add = json!([{"op": "add", "path": "members", "value": members}]);
        fixture.patch(Kind::Group, &group, add).await;
    }
    fixture.prepare_and_die(&group, &people).await;
    for sort_by in ["userName", "name.familyName", "emails.value"] {
        fixture.sorted_page(sort_by).await;
    }
    let rename = json!([{"op": "replace", "path": "title", "value": format!("{CANARY} 2")}]);
    fixture.patch(Kind::User, &person, rename).await;
    let before = fixture.traces();
    for collection in ["user", "userName", "group", "groupName", "member#", "part#"] {
        assert!(before.iter().any(|pk| pk.contains(&format!("#{collection}"))), "{collection}: {before:?}");
    }

    fixture.delete(Kind::User, &person).await;
    fixture.delete(Kind::Group, &group).await;
    fixture.finish_all().await;
    assert_eq!(fixture.traces(), [""; 0]);
}
