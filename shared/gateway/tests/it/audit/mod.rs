//! `functions/audit-list`: the changes of a resource, and the members of a group at an instant, also after
//! the first records have expired.

mod gaps;

use std::time::Duration;

use gateway::iam::as_function;
use schema::Kind;
use serde_json::{Value, json};

use crate::directory::TABLE;
use crate::fixture::Fixture;

const UNKNOWN_ID: &str = "01932c7e-8a4b-7c3d-9e5f-1a2b3c4d5e6f";

impl Fixture {
    async fn try_query(&self, query: Value) -> Result<Value, String> {
        let work = edge::invoke_event(self.directory, audit_list::handle, query, None);
        as_function("AuditList", work).await.map_err(|error| error.to_string())
    }

    async fn query(&self, query: Value) -> Value {
        self.try_query(query).await.unwrap()
    }

    async fn members(&self, group: &str, at: &str) -> (Vec<String>, bool) {
        let answer = self.query(json!({"tenant": "acme", "membersOf": group, "at": at})).await;
        (texts(&answer["members"]), answer["complete"].as_bool().unwrap())
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn event_types(answer: &Value) -> Vec<String> {
    answer["changes"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap().to_owned()).collect()
}

/// The present instant. No change has the same millisecond.
async fn instant() -> String {
    tokio::time::sleep(Duration::from_millis(3)).await;
    let now = format!("{:.3}", jiff::Timestamp::now());
    tokio::time::sleep(Duration::from_millis(3)).await;
    now
}

fn add_members(ids: &[&String]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!([{"op": "add", "path": "members", "value": members}])
}

fn remove_member(id: &str) -> Value {
    json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}])
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_user_include_its_groups() {
    let fixture = Fixture::new().await;
    let ada = fixture.user("ada").await;
    let bob = fixture.user("bob").await;
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": bob}]})).await;
    let start = instant().await;
    fixture.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": "hush"}])).await;
    fixture.patch(Kind::Group, &staff, add_members(&[&ada])).await;
    fixture.patch(Kind::Group, &staff, remove_member(&bob)).await;
    let end = instant().await;
    fixture.delete(Kind::User, &ada).await;

    let query = |more: Value| {
        let mut query = json!({"tenant": "acme", "resource": ada});
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fixture.query(query)
    };
    let all = query(json!({})).await;
    assert_eq!(event_types(&all), ["user.created", "user.updated", "group.updated", "user.deleted"]);
    let [_, changed, joined, gone] = &all["changes"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!((&changed["token"], &changed["attributes"]), (&json!("token-1"), &json!(["title"])));
    assert_eq!((&joined["resource"], &joined["membersAdded"]), (&json!(staff), &json!([ada])));
    assert_eq!(gone["groupsLeft"][0]["id"], json!(staff));
    assert!(!all.to_string().contains("hush") && all.get("nextToken").is_none());
    assert!(all["trailBegins"].as_str().unwrap() < start.as_str());
    assert_eq!(event_types(&query(json!({"from": start, "to": end})).await), ["user.updated", "group.updated"]);

    let of = |id: &str| fixture.query(json!({"tenant": "acme", "resource": id}));
    assert_eq!(event_types(&of(&staff).await), ["group.created", "group.updated", "group.updated", "user.deleted"]);
    let bobs = of(&bob).await;
    assert_eq!(event_types(&bobs), ["user.created", "group.created", "group.updated"]);
    assert_eq!(bobs["changes"][2]["membersRemoved"], json!([bob]));
    assert_eq!(event_types(&of(UNKNOWN_ID).await), [""; 0]);
    let other = fixture.query(json!({"tenant": "other", "resource": ada})).await;
    assert_eq!(other, json!({"changes": []}), "another tenant has no records");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_trail_is_returned_in_pages() {
    let fixture = Fixture::new().await;
    for number in 0..7 {
        fixture.user(&format!("u{number}")).await;
    }
    let mut query = json!({"tenant": "acme", "limit": 3});
    let mut seen = Vec::new();
    loop {
        let answer = fixture.query(query.clone()).await;
        let page = answer["changes"].as_array().unwrap().clone();
        assert!(page.len() <= 3);
        seen.extend(page.into_iter().map(|change| change["id"].as_str().unwrap().to_owned()));
        let Some(next) = answer.get("nextToken") else { break };
        query["nextToken"] = next.clone();
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (7, &sorted));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_at_every_instant_are_reconstructed() {
    let fixture = Fixture::new().await;
    let [ann, bob, cy] = [fixture.user("ann").await, fixture.user("bob").await, fixture.user("cy").await];
    let before = instant().await;
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let mut steps = vec![(before, vec![]), (instant().await, vec![&ann])];
    fixture.patch(Kind::Group, &staff, add_members(&[&bob, &cy])).await;
    steps.push((instant().await, vec![&ann, &bob, &cy]));
    fixture.patch(Kind::Group, &staff, remove_member(&bob)).await;
    fixture.patch(Kind::Group, &staff, json!([{"op": "replace", "path": "displayName", "value": "All"}])).await;
    steps.push((instant().await, vec![&ann, &cy]));
    fixture.patch(Kind::Group, &staff, add_members(&[&bob])).await;
    steps.push((instant().await, vec![&ann, &bob, &cy]));
    fixture.delete(Kind::User, &ann).await;
    steps.push((instant().await, vec![&bob, &cy]));
    let check = async |gone: Option<&str>| {
        for (at, expect) in &steps {
            let expect: Vec<String> = expect.iter().map(|id| (*id).clone()).collect();
            assert_eq!(fixture.members(&staff, at).await, (expect, true), "{at}");
        }
        if let Some(at) = gone {
            assert_eq!(fixture.members(&staff, at).await, (vec![], true));
        }
    };
    check(None).await;
    let now = fixture.query(json!({"tenant": "acme", "membersOf": staff, "limit": 1})).await;
    assert_eq!((texts(&now["members"]), &now["nextToken"]), (vec![bob.clone()], &json!(bob)));
    let rest =
        json!({"tenant": "acme", "membersOf": staff, "limit": 1, "nextToken": now["nextToken"], "at": now["at"]});
    let rest = fixture.query(rest).await;
    assert_eq!((texts(&rest["members"]), rest.get("nextToken")), (vec![cy.clone()], None));

    // The group is deleted, so its members are now reconstructed from its creation on.
    fixture.delete(Kind::Group, &staff).await;
    check(Some(&instant().await)).await;
}

/// The change adds more members than one record holds.
#[tokio::test(flavor = "multi_thread")]
async fn change_in_chunks_counts_with_all_its_members() {
    let fixture = Fixture::new().await;
    let mut users = Vec::new();
    for number in 0..80 {
        users.push(fixture.user(&format!("u{number}")).await);
    }
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": []})).await;
    let before = instant().await;
    fixture.patch(Kind::Group, &staff, add_members(&users.iter().collect::<Vec<_>>())).await;
    let after = instant().await;
    let record = fixture.engine.items(TABLE, "acme#change").pop().unwrap();
    assert_eq!(record["inParts"], json!({"BOOL": true}), "the change was written in chunks");
    let (last, rest) = users.split_last().unwrap();
    fixture.patch(Kind::Group, &staff, remove_member(last)).await;

    assert_eq!(fixture.members(&staff, &before).await, (vec![], true));
    assert_eq!(fixture.members(&staff, &after).await, (users.clone(), true));
    assert_eq!(fixture.members(&staff, &instant().await).await, (rest.to_vec(), true));
    let of = |id: &str| fixture.query(json!({"tenant": "acme", "resource": id}));
    let joined = of(last).await["changes"][1].clone();
    assert_eq!((&joined["resource"], &joined["membersAdded"]), (&json!(staff), &json!([last])));
    let counted = of(&staff).await["changes"][1].clone();
    assert_eq!((&counted["membersCounted"], counted.get("membersAdded")), (&json!({"added": 80, "removed": 0}), None));
    fixture.delete(Kind::Group, &staff).await;
    assert_eq!(
        fixture.members(&staff, &after).await,
        (users, true),
        "the reconstruction from the creation on has the same members"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_query_is_rejected_with_a_reason() {
    let fixture = Fixture::new().await;
    for (query, says) in [
        (json!({"tenant": "Acme"}), "The tenant must be"),
        (json!({}), "missing field `tenant`"),
        (json!({"tenant": "acme", "user": "x"}), "unknown field"),
        (json!({"tenant": "acme", "resource": "x"}), "resource must be the id"),
        (json!({"tenant": "acme", "from": "yesterday"}), "from must be an instant"),
        (json!({"tenant": "acme", "to": "2026-01-31"}), "to must be an instant"),
        (json!({"tenant": "acme", "at": "2026-01-31T00:00:00Z"}), "`at` requires membersOf"),
        (json!({"tenant": "acme", "limit": 0}), "limit must be 1 to 1000"),
        (json!({"tenant": "acme", "limit": 1001}), "limit must be 1 to 1000"),
        (json!({"tenant": "acme", "nextToken": "x"}), "nextToken is not valid"),
        (json!({"tenant": "acme", "membersOf": "x"}), "membersOf must be the id"),
        (json!({"tenant": "acme", "membersOf": UNKNOWN_ID, "resource": UNKNOWN_ID}), "membersOf cannot be combined"),
        (json!({"tenant": "acme", "membersOf": UNKNOWN_ID, "limit": 10_001}), "limit must be 1 to 10000"),
    ] {
        let refused = fixture.try_query(query.clone()).await.unwrap_err();
        assert!(refused.contains(says), "{query}: {refused}");
    }
}
