//! `functions/settle` against an EventBridge that can fail.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::{Caller, Exchange, Precondition, Projection};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use service::{Context, EventOptions};
use settle::State;
use store::{ChangeRecord, Commit, CommitState, Directory, Keys, Member, RemainingEdges, Snapshot, Write};

use crate::bus::{Bus, batch, detail, items, serve};
use crate::engine::Engine;
use crate::rights;
use crate::tests::{directory, root};

const BASE: &str = "https://api.example/scim/v2";
const CANARY: &str = "hush-8Q!";

/// A directory, a bus, and the function between them.
struct Site {
    directory: &'static Directory,
    engine: Engine,
    caller: Caller,
    bus: Arc<Mutex<Bus>>,
    state: &'static State,
}

impl Site {
    async fn new(with_resources: bool) -> Self {
        let (directory, engine) = directory().await;
        let bus = Arc::<Mutex<Bus>>::default();
        let url = serve(bus.clone()).await;
        let telling = EventOptions { base_url: BASE.to_owned(), with_resources };
        let state = State { directory: directory.clone(), bus: settle::Bus::at(&url, "scim"), event_options: telling };
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        Self { directory, engine, caller, bus, state: Box::leak(Box::new(state)) }
    }

    fn context(&self) -> Context<'_> {
        Context {
            directory: self.directory,
            exchange: Exchange {
                caller: &self.caller,
                base_url: BASE,
                deadline: Instant::now() + Duration::from_secs(60),
            },
        }
    }

    async fn create(&self, kind: Kind, body: Value) -> String {
        let body = body.as_object().unwrap();
        let reply = service::create(&self.context(), kind, body, &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn patch(&self, kind: Kind, id: &str, operations: Value) {
        let body = json!({"Operations": operations});
        let (all, any) = (Projection::default(), Precondition::default());
        service::patch(&self.context(), kind, id, body.as_object().unwrap(), &all, &any).await.unwrap();
    }

    async fn delete(&self, kind: Kind, id: &str) {
        service::delete(&self.context(), kind, id, &Precondition::default()).await.unwrap();
    }

    fn records(&self) -> Vec<Value> {
        items(&self.engine, "acme#change")
    }

    /// The numbers of the records that are to be sent again.
    async fn settle(&self, records: &[Value]) -> Vec<String> {
        let work = edge::invoke_event(self.state, settle::handle, batch(records), None);
        let outcome = rights::of("Settle", work).await.unwrap();
        let failures = outcome["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    fn told(&self) -> Vec<String> {
        let name = |entry: &Value| entry["DetailType"].as_str().unwrap().to_owned();
        self.bus.lock().unwrap().taken.iter().map(name).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_published_in_order_and_again_with_the_same_ids() {
    let site = Site::new(true).await;
    let user = json!({"userName": "ada", "externalId": "00u1", "password": CANARY});
    let ada = site.create(Kind::User, user).await;
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ada}]})).await;
    site.patch(Kind::User, &ada, json!([{"op": "replace", "value": {"title": "Dr", "password": CANARY}}])).await;
    site.delete(Kind::User, &ada).await;
    site.delete(Kind::Group, &staff).await;
    let records = site.records();
    assert_eq!(records.len(), 5);

    assert_eq!(site.settle(&records).await, [""; 0]);
    let expect = [
        "user.created",
        "group.created",
        "group.members.changed",
        "user.updated",
        "user.deleted",
        "group.members.changed",
        "group.deleted",
    ];
    assert_eq!(site.told(), expect);
    let first = site.bus.lock().unwrap().taken.clone();
    for entry in &first {
        assert_eq!((&entry["EventBusName"], &entry["Source"]), (&json!("scim"), &json!("scim")));
        let (time, claims) = (entry["Time"].as_f64().unwrap(), detail(entry));
        assert_eq!(time.floor() as i64, claims["iat"].as_i64().unwrap());
        assert_eq!((&claims["iss"], &claims["tenant"]), (&json!(BASE), &json!("acme")));
    }
    assert!(!json!(first).to_string().contains(CANARY));

    assert_eq!(site.settle(&records).await, [""; 0], "the batch comes once more");
    let mut twice = site.bus.lock().unwrap().ids();
    let again = twice.split_off(first.len());
    assert_eq!(twice, again);
    let distinct: std::collections::BTreeSet<_> = twice.iter().collect();
    assert_eq!(distinct.len(), first.len(), "each its own: {twice:?}");
    assert_eq!(site.bus.lock().unwrap().taken[first.len()..], first, "nothing else has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_go_along_as_they_are_and_only_where_that_is_wanted() {
    for with_resources in [true, false] {
        let site = Site::new(with_resources).await;
        let ada = site.create(Kind::User, json!({"userName": "ada", "password": CANARY})).await;
        site.settle(&site.records()).await;
        site.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": "Dr"}])).await;
        let group = json!({"displayName": "Staff", "members": [{"value": ada}]});
        site.create(Kind::Group, group).await;
        site.settle(&site.records()).await;
        let taken = site.bus.lock().unwrap().taken.clone();
        let payload = |entry: &Value| detail(entry)["events"].as_object().unwrap().values().next().unwrap().clone();
        let data: Vec<Value> = taken.iter().map(|entry| payload(entry)["data"].clone()).collect();
        let titles: Vec<&Value> = data.iter().map(|data| &data["title"]).collect();
        if with_resources {
            // The first is told while it is the newest, and once more, when it is no longer.
            assert_eq!(titles[1..3], [&Value::Null, &json!("Dr")]);
            assert_eq!((&data[0]["userName"], &data[1]), (&json!("ada"), &Value::Null));
            assert_eq!(
                (&data[0]["meta"]["version"], &data[2]["meta"]["version"]),
                (&json!("W/\"1\""), &json!("W/\"2\""))
            );
            assert_eq!((&data[3]["displayName"], data[3].get("members")), (&json!("Staff"), None));
            assert!(data[2].get("groups").is_none() && data[0].get("password").is_none());
        } else {
            assert!(data.iter().all(Value::is_null), "{data:?}");
            assert!(!json!(taken).to_string().contains("Dr"));
        }
        assert_eq!(taken.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_named_and_nothing_after_it_is_published() {
    let site = Site::new(false).await;
    for name in ["ann", "bob", "cyril"] {
        site.create(Kind::User, json!({"userName": name})).await;
    }
    let records = site.records();
    let id = |at: usize| format!("{}.user.created", records[at]["sk"]["S"].as_str().unwrap());

    site.bus.lock().unwrap().refused.insert(id(1), 3);
    assert_eq!(site.settle(&records).await, [""; 0], "three refusals are waited out");
    assert_eq!(site.bus.lock().unwrap().ids(), [id(0), id(1), id(2)]);

    *site.bus.lock().unwrap() = Bus::default();
    site.bus.lock().unwrap().refused.insert(id(1), usize::MAX);
    assert_eq!(site.settle(&records).await, ["2"]);
    assert_eq!(site.bus.lock().unwrap().ids(), [id(0)]);

    *site.bus.lock().unwrap() = Bus::default();
    let mut spoilt = records.clone();
    spoilt[1]["what"] = json!({"S": "user.sung"});
    assert_eq!(site.settle(&spoilt).await, ["2"], "a record that cannot be read");
    assert_eq!(site.bus.lock().unwrap().ids(), [id(0)]);

    *site.bus.lock().unwrap() = Bus { away: true, ..Bus::default() };
    assert_eq!(site.settle(&records).await, ["1"]);
}

/// Of a change with many events, those alone are sent again that were not taken.
#[tokio::test(flavor = "multi_thread")]
async fn many_events_of_a_change_take_calls_within_the_limits() {
    let site = Site::new(false).await;
    let ada = site.create(Kind::User, json!({"userName": "ada"})).await;
    for number in 0..12 {
        let group = json!({"displayName": format!("g{number}"), "members": [{"value": ada}]});
        site.create(Kind::Group, group).await;
    }
    site.delete(Kind::User, &ada).await;
    let record = site.records().pop().unwrap();
    let groups = record["groupsLeft"]["L"].as_array().unwrap().len();
    assert_eq!(groups, 12);
    let first = record["sk"]["S"].as_str().unwrap();
    site.bus.lock().unwrap().refused.insert(format!("{first}.user.deleted"), 1);
    assert_eq!(site.settle(std::slice::from_ref(&record)).await, [""; 0]);
    let bus = site.bus.lock().unwrap();
    assert_eq!((&bus.calls, bus.taken.len()), (&vec![10, 1, 3], 13));
}

/// The writer died right after its commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_commit_has_left_to_do_is_completed_before_it_is_told() {
    let site = Site::new(false).await;
    let tenant = &site.caller.tenant;
    let mut add = Vec::new();
    for number in 0..40 {
        let id = site.create(Kind::User, json!({"userName": format!("u{number}")})).await;
        add.push(Member { id: ResourceId::parse(&id).unwrap(), kind: Kind::User, display: None });
    }
    let staff = site.create(Kind::Group, json!({"displayName": "staff"})).await;
    let id = ResourceId::parse(&staff).unwrap();
    let keys = Keys { name: "staff".to_owned(), lookups: Vec::new() };
    let resource = json!({"displayName": "staff"}).as_object().unwrap().clone();
    let after = Snapshot { resource, keys: keys.clone() };
    let change = ChangeRecord {
        id: ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(),
        at: "2026-01-02T03:04:05.678Z".to_owned(),
        attributes: vec!["members".to_owned()],
        active: None,
    };
    let write = Write::Update { expected: 1, before: keys, after };
    let commit = Commit { kind: Kind::Group, id: id.clone(), write, add, remove: vec![], leave: vec![], change };
    assert_eq!(site.directory.commit(&site.caller, &commit).await, Ok(CommitState::Pending));
    let pending = async || site.directory.get(tenant, Kind::Group, &id).await.unwrap().unwrap().member_summary.pending;
    assert_eq!(pending().await, Some(commit.change.id.clone()));
    let record = site.records().pop().unwrap();
    // Who is deleted meanwhile does not come; whoever reads the group as its function may sees it as it will be.
    site.delete(Kind::User, commit.add[0].id.as_str()).await;
    let members = async || {
        let (all, any) = (Projection::default(), Precondition::default());
        let read = async { service::get(&site.context(), Kind::Group, &staff, &all, &any).await };
        let reply = rights::of("GroupsGet", read).await.unwrap();
        reply.body.unwrap()["members"].as_array().unwrap().len()
    };
    assert_eq!(members().await, 39);
    assert_eq!(site.settle(&[record]).await, [""; 0]);
    assert_eq!(members().await, 39);
    assert_eq!(pending().await, None);
    // When it was done is all that lies there.
    let left = || {
        let mut items = items(&site.engine, "acme#unsettled");
        items.retain(|item| item["sk"]["S"] != "last");
        items
    };
    assert!(left().is_empty(), "nothing is left to do");
    let taken = site.bus.lock().unwrap().taken.clone();
    assert_eq!(detail(&taken[0])["added"].as_array().unwrap().len(), 40);

    let keys = Keys { name: "staff".to_owned(), lookups: Vec::new() };
    let write = Write::Delete { expected: 3, before: keys, groups: 0, rest: RemainingEdges::Some { pending: None } };
    let change = ChangeRecord { id: ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(), ..commit.change };
    let gone = Commit { write, add: vec![], change, ..commit };
    assert_eq!(site.directory.commit(&site.caller, &gone).await, Ok(CommitState::Pending));
    let record = site.records().pop().unwrap();
    assert_eq!(site.settle(&[record]).await, [""; 0]);
    assert!(left().is_empty(), "nothing is left to do");
    assert!(items(&site.engine, &format!("acme#member#{id}")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_batch_is_published() {
    let site = Site::new(false).await;
    let example = fs::read_to_string(root().join("events/settle.json")).unwrap();
    let example: Value = serde_json::from_str(&example).unwrap();
    let outcome = edge::invoke_event(site.state, settle::handle, example, None).await.unwrap();
    assert_eq!(outcome, json!({"batchItemFailures": []}));
    assert_eq!(site.told(), ["user.created", "group.members.changed"]);
}
