//! A table that version 0.1.0 has written (`data/first_release.py`) is served, changed, completed, checked and emptied
//! by this release.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::{Error, Parameters, Precondition, Projection, Query};
use schema::Kind;
use serde_json::{Value, json};
use store::{SettleState, now_ms};

use crate::directory::TABLE;
use crate::fixture::Fixture;
use crate::formats::collection;

const DATA: &str = include_str!("../data/first_release.jsonl");

/// The lines of the data that have a member of this name.
fn lines(member: &str) -> impl Iterator<Item = Value> {
    let lines = DATA.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(move |line| line.get(member).is_some())
}

/// The response of 0.1.0 to a GET of each resource, by its kind and id.
fn answers() -> BTreeMap<(Kind, String), Value> {
    let kind = |path: &str| if path.starts_with("/Users/") { Kind::User } else { Kind::Group };
    let answers = lines("path").map(|line| (line["path"].as_str().unwrap().to_owned(), line["body"].clone()));
    answers.map(|(path, body)| ((kind(&path), path.rsplit('/').next().unwrap().to_owned()), body)).collect()
}

impl Fixture {
    /// A directory in the table of 0.1.0.
    async fn of_first_release() -> Self {
        let fixture = Fixture::new().await;
        for mut line in lines("item") {
            if let Some(expires) = line["item"].get_mut("expires") {
                *expires = json!({"N": "4102444800"});
            }
            let response = fixture.engine.call("PutItem", &json!({"TableName": TABLE, "Item": line["item"]}));
            assert_eq!(response, json!({}), "{line}");
        }
        fixture
    }

    async fn read(&self, kind: Kind, id: &str) -> Result<Value, Error> {
        let all = Projection::default();
        let any = Precondition::default();
        Ok(service::get(&self.context(), kind, id, &all, &any).await?.body.unwrap().into())
    }

    async fn found(&self, kind: Kind, filter: &str) -> Vec<String> {
        let parameters = Parameters { filter: Some(filter.to_owned()), ..Parameters::default() };
        let query = Query::parse(&[kind], parameters, &self.caller.dialect).unwrap();
        let found = service::list(&self.context(), &query).await.unwrap().body.unwrap();
        let resources = found["Resources"].as_array().cloned().unwrap_or_default();
        resources.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Completes pending changes: Publish lists a change when it reads the record, and Settle finishes the listed
    /// changes.
    async fn complete(&self) {
        for change in self.directory.changes(&self.caller.tenant, None, usize::MAX).await.unwrap().changes {
            self.directory.list_if_pending(&change).await.unwrap();
        }
        for change in self.directory.unfinished_changes(now_ms() + 3_600_000).await.unwrap() {
            let until = Instant::now() + Duration::from_secs(30);
            assert_eq!(self.directory.finish_change(&change, until).await, Ok(SettleState::Done));
        }
    }
}

/// A filter that finds a resource by one of its values.
fn filters(kind: Kind, resource: &Value) -> Vec<String> {
    let text = |name: &str| resource[name].as_str().map(|value| format!("{name} eq {}", json!(value)));
    let name = naming_attribute(kind);
    let emails = resource["emails"].as_array().into_iter().flatten();
    let emails = emails.map(|email| format!("emails.value eq {}", email["value"]));
    [text(name), text("externalId")].into_iter().flatten().chain(emails).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_the_first_release_are_served_as_it_served_them() {
    let fixture = Fixture::of_first_release().await;
    let answers = answers();
    assert!(answers.len() > 70);
    for is_complete in [false, true] {
        for ((kind, id), before) in &answers {
            assert_eq!(&fixture.read(*kind, id).await.unwrap(), before);
        }
        if !is_complete {
            fixture.complete().await;
        }
    }
    for ((kind, id), before) in &answers {
        for filter in filters(*kind, before) {
            assert_eq!(fixture.found(*kind, &filter).await, std::slice::from_ref(id), "{filter}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_the_first_release_cannot_be_taken_again() {
    let fixture = Fixture::of_first_release().await;
    for ((kind, _), before) in &answers() {
        let attribute = naming_attribute(*kind);
        let body = json!({attribute: before[attribute]});
        let taken = service::create(&fixture.context(), *kind, body.as_object().unwrap(), &Projection::default()).await;
        assert!(matches!(taken, Err(Error::Uniqueness(_))), "{body}: {taken:?}");
    }
}

/// 0.1.0 kept `ς` in keys, and did not normalize the names of groups and e-mail addresses.
#[tokio::test(flavor = "multi_thread")]
async fn repair_stores_the_keys_of_the_first_release_as_this_release_does() {
    let fixture = Fixture::of_first_release().await;
    fixture.complete().await;
    assert!(fixture.found(Kind::User, r#"userName eq "ΟΔΟΣ""#).await.is_empty());
    let repaired = fixture.check(json!({"repair": true})).await;
    let problems = repaired.as_array().unwrap().iter().map(|it| (it["problem"].as_str(), it["outcome"].as_str()));
    let mut counts = BTreeMap::<_, usize>::new();
    problems.for_each(|problem| *counts.entry(problem).or_default() += 1);
    let repaired = Some("repaired");
    let expect = [("formerName", 3), ("lookupMissing", 1)];
    assert_eq!(counts, expect.map(|(problem, count)| ((Some(problem), repaired), count)).into());
    assert_eq!(fixture.check(json!({})).await, json!([]));
    for filter in [r#"userName eq "ΟΔΟΣ""#, r#"userName eq "οδος""#, r#"emails.value eq "ΟΔΟΣ@EXAMPLE.COM""#]
    {
        assert_eq!(fixture.found(Kind::User, filter).await.len(), 1, "{filter}");
    }
}

fn naming_attribute(kind: Kind) -> &'static str {
    if kind == Kind::User { "userName" } else { "displayName" }
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_the_first_release_are_changed_and_deleted() {
    let fixture = Fixture::of_first_release().await;
    for ((kind, id), before) in &answers() {
        let attribute = naming_attribute(*kind);
        let name = before[attribute].as_str().unwrap();
        fixture.patch(*kind, id, json!([{"op": "replace", "path": "externalId", "value": format!("x-{id}")}])).await;
        assert_eq!(fixture.found(*kind, &format!("{attribute} eq {}", json!(name))).await, std::slice::from_ref(id));
        fixture.patch(*kind, id, json!([{"op": "replace", "path": attribute, "value": format!("new {id}")}])).await;
        // The old name is free again.
        let again = fixture.create(*kind, json!({attribute: name})).await;
        fixture.delete(*kind, &again).await;
    }
    fixture.complete().await;
    assert_eq!(fixture.check(json!({})).await, json!([]));
    for kind in [Kind::Group, Kind::User] {
        for id in fixture.found(kind, "meta.created pr").await {
            fixture.delete(kind, &id).await;
        }
    }
    fixture.complete().await;
    assert_eq!(fixture.check(json!({})).await, json!([]));
    // Only records, counts and items that expire are left.
    let left = fixture.all_items();
    let is_kept = |pk: &str| ["change", "count", "part", "bookmark", "secret", "token"].contains(&collection(pk));
    let left: Vec<&Value> = left.iter().filter(|item| !is_kept(item["pk"]["S"].as_str().unwrap())).collect();
    assert!(left.iter().all(|item| item["sk"]["S"] == "last"), "{left:?}");
}
