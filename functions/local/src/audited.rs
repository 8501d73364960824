//! `functions/audit-list`: what happened to somebody, and who was in a group at an instant, whatever is left of the trail.

use std::time::{Duration, Instant};

use protocol::{Caller, Exchange, Precondition, Projection};
use schema::Kind;
use serde_json::{Value, json};
use service::Context;
use store::Directory;

use crate::bus::{items, raw};
use crate::engine::Engine;
use crate::rights;
use crate::tests::directory;

const NOBODY: &str = "01932c7e-8a4b-7c3d-9e5f-1a2b3c4d5e6f";

struct Site {
    directory: &'static Directory,
    engine: Engine,
    caller: Caller,
}

impl Site {
    async fn new() -> Self {
        let (directory, engine) = directory().await;
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        Self { directory, engine, caller }
    }

    fn context(&self) -> Context<'_> {
        Context {
            directory: self.directory,
            exchange: Exchange {
                caller: &self.caller,
                base_url: "https://api.example/scim/v2",
                deadline: Instant::now() + Duration::from_secs(60),
            },
        }
    }

    async fn create(&self, kind: Kind, body: Value) -> String {
        let body = body.as_object().unwrap();
        let reply = service::create(&self.context(), kind, body, &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn user(&self, name: &str) -> String {
        self.create(Kind::User, json!({"userName": name})).await
    }

    async fn patch(&self, kind: Kind, id: &str, operations: Value) {
        let body = json!({"Operations": operations});
        let (all, any) = (Projection::default(), Precondition::default());
        service::patch(&self.context(), kind, id, body.as_object().unwrap(), &all, &any).await.unwrap();
    }

    async fn delete(&self, kind: Kind, id: &str) {
        service::delete(&self.context(), kind, id, &Precondition::default()).await.unwrap();
    }

    async fn try_ask(&self, question: Value) -> Result<Value, String> {
        let work = edge::invoke_event(self.directory, audit_list::handle, question, None);
        rights::of("AuditList", work).await.map_err(|error| error.to_string())
    }

    async fn ask(&self, question: Value) -> Value {
        self.try_ask(question).await.unwrap()
    }

    async fn members(&self, group: &str, at: &str) -> (Vec<String>, bool) {
        let answer = self.ask(json!({"tenant": "acme", "membersOf": group, "at": at})).await;
        (texts(&answer["members"]), answer["complete"].as_bool().unwrap())
    }

    /// Takes away the first records, as expiry does.
    fn expire(&self, count: usize) {
        for item in items(&self.engine, "acme#change").iter().take(count) {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            raw(&self.engine, "DeleteItem", &json!({"TableName": "scim", "Key": key}));
        }
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn whats(answer: &Value) -> Vec<String> {
    answer["changes"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap().to_owned()).collect()
}

/// The instant now, with nothing else in its millisecond.
async fn instant() -> String {
    tokio::time::sleep(Duration::from_millis(3)).await;
    let now = format!("{:.3}", jiff::Timestamp::now());
    tokio::time::sleep(Duration::from_millis(3)).await;
    now
}

fn push(ids: &[&String]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!([{"op": "add", "path": "members", "value": members}])
}

fn pull(id: &str) -> Value {
    json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_somebody_is_told_with_the_groups() {
    let site = Site::new().await;
    let (ada, bob) = (site.user("ada").await, site.user("bob").await);
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": bob}]})).await;
    let start = instant().await;
    site.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": "hush"}])).await;
    site.patch(Kind::Group, &staff, push(&[&ada])).await;
    site.patch(Kind::Group, &staff, pull(&bob)).await;
    let end = instant().await;
    site.delete(Kind::User, &ada).await;

    let ask = |more: Value| {
        let mut question = json!({"tenant": "acme", "resource": ada});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.ask(question)
    };
    let all = ask(json!({})).await;
    assert_eq!(whats(&all), ["user.created", "user.updated", "group.updated", "user.deleted"]);
    let [_, changed, joined, gone] = &all["changes"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!((&changed["token"], &changed["attributes"]), (&json!("token-1"), &json!(["title"])));
    assert_eq!((&joined["resource"], &joined["membersAdded"]), (&json!(staff), &json!([ada])));
    assert_eq!(gone["groupsLeft"][0]["id"], json!(staff));
    assert!(!all.to_string().contains("hush") && all.get("nextToken").is_none());
    assert!(all["trailBegins"].as_str().unwrap() < start.as_str());
    assert_eq!(whats(&ask(json!({"from": start, "to": end})).await), ["user.updated", "group.updated"]);

    let of = |id: &str| site.ask(json!({"tenant": "acme", "resource": id}));
    assert_eq!(whats(&of(&staff).await), ["group.created", "group.updated", "group.updated", "user.deleted"]);
    let bobs = of(&bob).await;
    assert_eq!(whats(&bobs), ["user.created", "group.created", "group.updated"]);
    assert_eq!(bobs["changes"][2]["membersRemoved"], json!([bob]));
    assert_eq!(whats(&of(NOBODY).await), [""; 0]);
    let other = site.ask(json!({"tenant": "other", "resource": ada})).await;
    assert_eq!(other, json!({"changes": []}), "another tenant has no trail at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_trail_is_told_in_pages() {
    let site = Site::new().await;
    for number in 0..7 {
        site.user(&format!("u{number}")).await;
    }
    let (mut question, mut told) = (json!({"tenant": "acme", "limit": 3}), Vec::new());
    loop {
        let answer = site.ask(question.clone()).await;
        let page = answer["changes"].as_array().unwrap().clone();
        assert!(page.len() <= 3);
        told.extend(page.into_iter().map(|change| change["id"].as_str().unwrap().to_owned()));
        let Some(next) = answer.get("nextToken") else { break };
        question["nextToken"] = next.clone();
    }
    let mut sorted = told.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((told.len(), &told), (7, &sorted));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_in_a_group_is_told_for_every_instant() {
    let site = Site::new().await;
    let [ann, bob, cy] = [site.user("ann").await, site.user("bob").await, site.user("cy").await];
    let before = instant().await;
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let mut steps = vec![(before, vec![]), (instant().await, vec![&ann])];
    site.patch(Kind::Group, &staff, push(&[&bob, &cy])).await;
    steps.push((instant().await, vec![&ann, &bob, &cy]));
    site.patch(Kind::Group, &staff, pull(&bob)).await;
    site.patch(Kind::Group, &staff, json!([{"op": "replace", "path": "displayName", "value": "All"}])).await;
    steps.push((instant().await, vec![&ann, &cy]));
    site.patch(Kind::Group, &staff, push(&[&bob])).await;
    steps.push((instant().await, vec![&ann, &bob, &cy]));
    site.delete(Kind::User, &ann).await;
    steps.push((instant().await, vec![&bob, &cy]));
    let check = async |gone: Option<&str>| {
        for (at, expect) in &steps {
            let expect: Vec<String> = expect.iter().map(|id| (*id).clone()).collect();
            assert_eq!(site.members(&staff, at).await, (expect, true), "{at}");
        }
        if let Some(at) = gone {
            assert_eq!(site.members(&staff, at).await, (vec![], true));
        }
    };
    check(None).await;
    let now = site.ask(json!({"tenant": "acme", "membersOf": staff, "limit": 1})).await;
    assert_eq!((texts(&now["members"]), &now["nextToken"]), (vec![bob.clone()], &json!(bob)));
    let rest =
        json!({"tenant": "acme", "membersOf": staff, "limit": 1, "nextToken": now["nextToken"], "at": now["at"]});
    let rest = site.ask(rest).await;
    assert_eq!((texts(&rest["members"]), rest.get("nextToken")), (vec![cy.clone()], None));

    // The group is gone: now it is told from its beginning.
    site.delete(Kind::Group, &staff).await;
    check(Some(&instant().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_trail_begins_too_late_that_is_said() {
    let site = Site::new().await;
    let [ann, bob] = [site.user("ann").await, site.user("bob").await];
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let first = instant().await;
    site.patch(Kind::Group, &staff, push(&[&bob])).await;
    let second = instant().await;
    site.patch(Kind::Group, &staff, pull(&ann)).await;
    site.expire(3);
    assert_eq!(
        site.members(&staff, &second).await,
        (vec![ann.clone(), bob.clone()], true),
        "its creation is not needed"
    );
    assert!(!site.members(&staff, &first).await.1, "there may have been others before the first record");
    let begins = site.ask(json!({"tenant": "acme", "limit": 1})).await;
    assert_eq!(begins["trailBegins"], begins["changes"][0]["at"]);
    assert!(begins["trailBegins"].as_str().unwrap() > first.as_str());

    site.delete(Kind::Group, &staff).await;
    assert_eq!(site.members(&staff, &second).await, (vec![bob], false), "of who was there before nobody knows");
    let unknown = site.try_ask(json!({"tenant": "acme", "membersOf": NOBODY})).await.unwrap_err();
    assert!(unknown.contains("no record that there was one"), "{unknown}");
}

/// More members than a record holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_parts_counts_with_all_of_them() {
    let site = Site::new().await;
    let mut crowd = Vec::new();
    for number in 0..80 {
        crowd.push(site.user(&format!("u{number}")).await);
    }
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": []})).await;
    let before = instant().await;
    site.patch(Kind::Group, &staff, push(&crowd.iter().collect::<Vec<_>>())).await;
    let after = instant().await;
    let record = items(&site.engine, "acme#change").pop().unwrap();
    assert_eq!(record["inParts"], json!({"BOOL": true}), "it was large");
    let (last, rest) = crowd.split_last().unwrap();
    site.patch(Kind::Group, &staff, pull(last)).await;

    assert_eq!(site.members(&staff, &before).await, (vec![], true));
    assert_eq!(site.members(&staff, &after).await, (crowd.clone(), true));
    assert_eq!(site.members(&staff, &instant().await).await, (rest.to_vec(), true));
    let of = |id: &str| site.ask(json!({"tenant": "acme", "resource": id}));
    let joined = of(last).await["changes"][1].clone();
    assert_eq!((&joined["resource"], &joined["membersAdded"]), (&json!(staff), &json!([last])));
    let counted = of(&staff).await["changes"][1].clone();
    assert_eq!((&counted["membersCounted"], counted.get("membersAdded")), (&json!({"added": 80, "removed": 0}), None));
    site.delete(Kind::Group, &staff).await;
    assert_eq!(site.members(&staff, &after).await, (crowd, true), "from the beginning on, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_none_is_refused_with_a_sentence() {
    let site = Site::new().await;
    for (question, says) in [
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
        (json!({"tenant": "acme", "membersOf": NOBODY, "resource": NOBODY}), "membersOf cannot be combined"),
        (json!({"tenant": "acme", "membersOf": NOBODY, "limit": 10_001}), "limit must be 1 to 10000"),
    ] {
        let refused = site.try_ask(question.clone()).await.unwrap_err();
        assert!(refused.contains(says), "{question}: {refused}");
    }
}
