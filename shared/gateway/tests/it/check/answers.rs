//! The answers of a check: about one tenant or all, in parts, and about problems that it cannot repair.

use std::collections::BTreeSet;

use gateway::iam::as_function;
use protocol::Caller;
use schema::Kind;
use serde_json::{Value, json};
use store::Problem;

use super::table::Items;
use crate::directory::root;
use crate::fixture::Fixture;

fn key(pk: &str, sk: &str) -> (String, String) {
    (pk.to_owned(), sk.to_owned())
}

impl Fixture {
    /// Changes one item of the table.
    fn change_item(&self, pk: &str, sk: &str, change: impl FnOnce(&mut Value)) {
        let items = Items::read(&self.engine);
        let mut item = items.get(&key(pk, sk)).unwrap().clone();
        change(&mut item);
        items.with(&key(pk, sk), Some(&item)).write(&self.engine);
    }

    fn remove_item(&self, pk: &str, sk: &str) {
        let items = Items::read(&self.engine);
        assert!(items.get(&key(pk, sk)).is_some());
        items.with(&key(pk, sk), None).write(&self.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undecidable_problem_is_reported_as_by_hand() {
    let fixture = Fixture::new().await;
    let ada = fixture.user("ada").await;
    let bob = fixture.user("bob").await;
    // Bob has the name of Ada, and the name finds Bob.
    fixture.change_item("acme#userName", "ada", |item| item["owner"] = json!({"S": bob}));
    fixture.change_item("acme#user", &bob, |item| item["resource"] = json!({"S": "{\"userName\":\"ada\"}"}));
    fixture.remove_item("acme#userName", "bob");
    let found = fixture.check(json!({"repair": true})).await;
    let expect =
        json!({"tenant": "acme", "problem": "nameOfAnother", "resource": ada, "outcome": "byHand", "count": 1});
    assert!(found.as_array().unwrap().contains(&expect), "{found}");
    // Ada, whose name is another's, can be renamed, and leaves the name to Bob.
    fixture.patch(Kind::User, &ada, json!([{"op": "replace", "path": "userName", "value": "ada.l"}])).await;
    assert_eq!(fixture.check(json!({})).await, json!([]));
    let owner = fixture.directory.name_owner(&fixture.caller.tenant, Kind::User, "ada").await.unwrap();
    assert_eq!(owner.unwrap().as_str(), bob);

    fixture.change_item("acme#user", &ada, |item| item["resource"] = json!({"S": "{"}));
    let found = fixture.check(json!({"repair": true})).await;
    // The user cannot be read, and so the item of the name cannot be compared with it.
    let expect = json!({"tenant": "acme", "problem": "unreadable", "resource": ada, "outcome": "byHand", "count": 2});
    assert_eq!(found, json!([expect]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_is_checked_or_all() {
    let fixture = Fixture::new().await;
    let ada = fixture.user("ada").await;
    let caller = Caller::from_context("globex", "token-2", "read write", None).unwrap();
    let other = Fixture { caller, ..fixture };
    let bob = other.user("bob").await;
    other.remove_item("acme#userName", "ada");
    other.remove_item("globex#userName", "bob");
    let tenants = async |query: Value| -> BTreeSet<(String, String)> {
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let found = other.check(query).await;
        found.as_array().unwrap().iter().map(|it| (text(it, "tenant"), text(it, "resource"))).collect()
    };
    let acme = ("acme".to_owned(), ada);
    let globex = ("globex".to_owned(), bob);
    assert_eq!(tenants(json!({"tenant": "acme"})).await, BTreeSet::from([acme.clone()]));
    assert_eq!(tenants(json!({"tenant": "globex", "repair": true})).await, BTreeSet::from([globex]));
    assert_eq!(tenants(json!({})).await, BTreeSet::from([acme]));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_without_a_record_gets_a_record_of_all_attributes() {
    let fixture = Fixture::new().await;
    let ada = fixture.create(Kind::User, json!({"userName": "ada", "active": true, "title": "Countess"})).await;
    fixture.patch(Kind::User, &ada, json!([{"op": "replace", "path": "active", "value": false}])).await;
    let records = fixture.engine.items(crate::directory::TABLE, "acme#change");
    fixture.remove_item("acme#change", records[1]["sk"]["S"].as_str().unwrap());
    let repaired = fixture.check(json!({"tenant": "acme", "repair": true})).await;
    assert_eq!((&repaired[0]["problem"], &repaired[0]["outcome"]), (&json!("recordMissing"), &json!("repaired")));
    let records = fixture.engine.items(crate::directory::TABLE, "acme#change");
    let record = &records[1];
    assert_eq!(record["what"]["S"], "user.updated");
    assert_eq!(record["attributes"]["L"], json!([{"S": "active"}, {"S": "title"}, {"S": "userName"}]));
    assert_eq!((&record["active"]["BOOL"], &record["versionAfter"]["N"]), (&json!(false), &json!("3")));
    assert_eq!(record["token"]["S"], "DirectoryCheck");
}

#[tokio::test(flavor = "multi_thread")]
async fn query_that_names_nothing_is_rejected() {
    let fixture = Fixture::new().await;
    for (query, word) in [(json!({"tenant": "A B"}), "tenant"), (json!({"nextToken": "x"}), "nextToken")] {
        let work = edge::invoke_event(fixture.directory, directory_check::handle, query, None);
        let error = as_function("DirectoryCheck", work).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn guide_lists_every_problem() {
    let guide = std::fs::read_to_string(root().join("shared/guide/src/guides/check-and-repair.md")).unwrap();
    for problem in Problem::ALL {
        let row = format!("| `{}` | {} |", problem.name(), problem.description());
        assert!(guide.contains(&row), "the guide lacks {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_whose_name_another_one_has_can_be_deleted() {
    let fixture = Fixture::new().await;
    let ada = fixture.user("ada").await;
    let bob = fixture.user("bob").await;
    fixture.change_item("acme#userName", "ada", |item| item["owner"] = json!({"S": bob}));
    fixture.delete(Kind::User, &ada).await;
    let owner = fixture.directory.name_owner(&fixture.caller.tenant, Kind::User, "ada").await.unwrap();
    assert_eq!(owner.unwrap().as_str(), bob, "the name is not freed, because it is not Ada's");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_memberships_of_which_one_side_is_missing_are_decided_by_their_record() {
    let fixture = Fixture::new().await;
    let users = [fixture.user("ann").await, fixture.user("bob").await, fixture.user("cid").await];
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff"})).await;
    let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
    fixture.patch(Kind::Group, &staff, json!([{"op": "add", "path": "members", "value": members}])).await;
    let edges =
        |id: &String| [(format!("acme#member#{staff}"), id.clone()), (format!("acme#memberOf#{id}"), staff.clone())];
    for side in [0, 1] {
        for id in &users[..2] {
            let (pk, sk) = &edges(id)[side];
            fixture.remove_item(pk, sk);
        }
        fixture.check(json!({"repair": true})).await;
        assert_eq!(fixture.check(json!({})).await, json!([]));
        let kept = Items::read(&fixture.engine);
        assert!(users.iter().all(|id| edges(id).iter().all(|key| kept.get(key).is_some())), "side {side}");
    }
    // The removal of two, of whom the group still has the membership items.
    let before = Items::read(&fixture.engine);
    for id in &users[..2] {
        fixture
            .patch(Kind::Group, &staff, json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]))
            .await;
    }
    for id in &users[..2] {
        let key = &edges(id)[0];
        Items::read(&fixture.engine).with(key, before.get(key)).write(&fixture.engine);
    }
    fixture.check(json!({"repair": true})).await;
    assert_eq!(fixture.check(json!({})).await, json!([]));
    let after = Items::read(&fixture.engine);
    assert!(users[..2].iter().all(|id| edges(id).iter().all(|key| after.get(key).is_none())));
    assert!(edges(&users[2]).iter().all(|key| after.get(key).is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_chunk_without_its_mark_restores_no_removed_member() {
    let fixture = Fixture::new().await;
    let mut users = Vec::new();
    for n in 0..35 {
        users.push(fixture.user(&format!("user-{n}")).await);
    }
    let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": members})).await;
    let chunk = Items::read(&fixture.engine).first_in("acme#part#");
    fixture.change_item(&chunk.0, &chunk.1, |item| item["applied"] = json!({"BOOL": false}));
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])}]);
    fixture.patch(Kind::Group, &staff, remove).await;
    let repaired = fixture.check(json!({"repair": true})).await;
    assert_eq!((&repaired[0]["problem"], &repaired[0]["outcome"]), (&json!("chunksAlone"), &json!("repaired")));
    assert_eq!(fixture.check(json!({})).await, json!([]));
    let edge = (format!("acme#member#{staff}"), users[0].clone());
    assert!(Items::read(&fixture.engine).get(&edge).is_none());
    let item = Items::read(&fixture.engine).get(&key("acme#group", &staff)).unwrap().clone();
    assert_eq!(item["memberCount"]["N"], "34");
}
