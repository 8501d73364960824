//! `functions/settle` with an EventBridge that can fail.

mod calls;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::iam::as_function;
use protocol::{Caller, Exchange, Precondition, Projection};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use service::{Context, EventOptions};
use settle::State;
use store::{ChangeRecord, Commit, CommitState, Directory, Keys, Member, RemainingEdges, Snapshot, Write};
use testkit::Engine;

use crate::bus::{Bus, batch, detail, serve};
use crate::directory::{TABLE, directory, event};

const BASE: &str = "https://api.example/scim/v2";
const SECRET: &str = "hush-8Q!";

/// A directory, an event bus, and the function between them.
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
        self.engine.items(TABLE, "acme#change")
    }

    /// Runs the function on a batch. Returns the sequence numbers of the records to be delivered again.
    async fn settle(&self, records: &[Value]) -> Vec<String> {
        let work = edge::invoke_event(self.state, settle::handle, batch(records), None);
        let outcome = as_function("Settle", work).await.unwrap();
        let failures = outcome["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    fn published(&self) -> Vec<String> {
        let name = |entry: &Value| entry["DetailType"].as_str().unwrap().to_owned();
        self.bus.lock().unwrap().accepted.iter().map(name).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_published_in_order_and_repeated_with_the_same_ids() {
    let site = Site::new(true).await;
    let user = json!({"userName": "ada", "externalId": "00u1", "password": SECRET});
    let ada = site.create(Kind::User, user).await;
    let staff = site.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ada}]})).await;
    site.patch(Kind::User, &ada, json!([{"op": "replace", "value": {"title": "Dr", "password": SECRET}}])).await;
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
    assert_eq!(site.published(), expect);
    let first = site.bus.lock().unwrap().accepted.clone();
    for entry in &first {
        assert_eq!((&entry["EventBusName"], &entry["Source"]), (&json!("scim"), &json!("scim")));
        let (time, claims) = (entry["Time"].as_f64().unwrap(), detail(entry));
        assert_eq!(time.floor() as i64, claims["iat"].as_i64().unwrap());
        assert_eq!((&claims["iss"], &claims["tenant"]), (&json!(BASE), &json!("acme")));
    }
    assert!(!json!(first).to_string().contains(SECRET));

    assert_eq!(site.settle(&records).await, [""; 0], "the batch is delivered once more");
    let mut ids = site.bus.lock().unwrap().ids();
    let again = ids.split_off(first.len());
    assert_eq!(ids, again);
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), first.len(), "each event has its own id: {ids:?}");
    assert_eq!(site.bus.lock().unwrap().accepted[first.len()..], first, "the repeated events are equal");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_include_resources_only_if_the_option_says_so() {
    for with_resources in [true, false] {
        let site = Site::new(with_resources).await;
        let ada = site.create(Kind::User, json!({"userName": "ada", "password": SECRET})).await;
        site.settle(&site.records()).await;
        site.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": "Dr"}])).await;
        let group = json!({"displayName": "Staff", "members": [{"value": ada}]});
        site.create(Kind::Group, group).await;
        site.settle(&site.records()).await;
        let accepted = site.bus.lock().unwrap().accepted.clone();
        let payload = |entry: &Value| detail(entry)["events"].as_object().unwrap().values().next().unwrap().clone();
        let data: Vec<Value> = accepted.iter().map(|entry| payload(entry)["data"].clone()).collect();
        let titles: Vec<&Value> = data.iter().map(|data| &data["title"]).collect();
        if with_resources {
            // The creation is published with the resource while it is the newest version, and without it when it is
            // not.
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
            assert!(!json!(accepted).to_string().contains("Dr"));
        }
        assert_eq!(accepted.len(), 5);
    }
}

/// The process that made the change died directly after its commit.
#[tokio::test(flavor = "multi_thread")]
async fn pending_change_is_completed_before_it_is_published() {
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
        previous_at: None,
    };
    let write = Write::Update { expected: 1, before: keys, after };
    let commit = Commit { kind: Kind::Group, id: id.clone(), write, add, remove: vec![], group_exits: vec![], change };
    assert_eq!(site.directory.commit(&site.caller, &commit).await, Ok(CommitState::Pending));
    let pending = async || site.directory.get(tenant, Kind::Group, &id).await.unwrap().unwrap().member_summary.pending;
    assert_eq!(pending().await, Some(commit.change.id.clone()));
    let record = site.records().pop().unwrap();
    // A member who is deleted meanwhile is not added. A reader of the group sees it as if the change were complete.
    site.delete(Kind::User, commit.add[0].id.as_str()).await;
    let members = async || {
        let (all, any) = (Projection::default(), Precondition::default());
        let read = async { service::get(&site.context(), Kind::Group, &staff, &all, &any).await };
        let reply = as_function("GroupsGet", read).await.unwrap();
        reply.body.unwrap()["members"].as_array().unwrap().len()
    };
    assert_eq!(members().await, 39);
    assert_eq!(site.settle(&[record]).await, [""; 0]);
    assert_eq!(members().await, 39);
    assert_eq!(pending().await, None);
    // Only the item with the time of the last completion remains in this partition.
    let left = || {
        let mut items = site.engine.items(TABLE, "acme#unsettled");
        items.retain(|item| item["sk"]["S"] != "last");
        items
    };
    assert!(left().is_empty(), "nothing is pending");
    let accepted = site.bus.lock().unwrap().accepted.clone();
    assert_eq!(detail(&accepted[0])["added"].as_array().unwrap().len(), 40);

    let keys = Keys { name: "staff".to_owned(), lookups: Vec::new() };
    let write = Write::Delete {
        expected: 3,
        before: keys,
        groups: 0,
        remaining: RemainingEdges::Present { pending: None, groups: vec![] },
    };
    let change = ChangeRecord { id: ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(), ..commit.change };
    let gone = Commit { write, add: vec![], change, ..commit };
    assert_eq!(site.directory.commit(&site.caller, &gone).await, Ok(CommitState::Pending));
    let record = site.records().pop().unwrap();
    assert_eq!(site.settle(&[record]).await, [""; 0]);
    assert!(left().is_empty(), "nothing is pending");
    assert!(site.engine.items(TABLE, &format!("acme#member#{id}")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_batch_is_published() {
    let site = Site::new(false).await;
    let outcome = edge::invoke_event(site.state, settle::handle, event("settle"), None).await.unwrap();
    assert_eq!(outcome, json!({"batchItemFailures": []}));
    assert_eq!(site.published(), ["user.created", "group.members.changed"]);
}
