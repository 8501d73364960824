//! `functions/publish` with an EventBridge that can fail, and `functions/settle`.

mod calls;
mod tenants;
mod unfinished;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::iam::as_function;
use protocol::{Caller, Exchange, Precondition, Projection};
use publish::{DeadLetters, Publisher};
use schema::Kind;
use serde_json::{Value, json};
use service::{Context, EventOptions};
use store::Directory;
use testkit::Engine;

use crate::bus::{BusStub, batch, detail, serve};
use crate::directory::{TABLE, directory, event};

const BASE: &str = "https://api.example/scim/v2";
const SECRET: &str = "hush-8Q!";

/// A directory, an event bus, and the function between them.
struct Fixture {
    directory: &'static Directory,
    engine: Engine,
    caller: Caller,
    bus: Arc<Mutex<BusStub>>,
    publisher: &'static Publisher,
}

impl Fixture {
    async fn new(with_resources: bool) -> Self {
        let (directory, engine) = directory().await;
        Self::of(directory, engine, with_resources).await
    }

    /// A new bus for the table of a directory.
    async fn of(directory: &'static Directory, engine: Engine, with_resources: bool) -> Self {
        let bus = Arc::<Mutex<BusStub>>::default();
        let url = serve(bus.clone()).await;
        let event_options = EventOptions { base_url: BASE.to_owned(), with_resources };
        let bus_client = publish::Bus::at(&url, "scim");
        let dead_letters = DeadLetters::at(&format!("{url}/1/dead"));
        let publisher = Publisher { directory: directory.clone(), bus: bus_client, dead_letters, event_options };
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        Self { directory, engine, caller, bus, publisher: Box::leak(Box::new(publisher)) }
    }

    fn context(&self) -> Context<'_> {
        Context::new(
            self.directory,
            Exchange { caller: &self.caller, base_url: BASE, deadline: Instant::now() + Duration::from_secs(60) },
        )
    }

    async fn create(&self, kind: Kind, body: Value) -> String {
        let body = body.as_object().unwrap();
        let reply = service::create(&self.context(), kind, body, &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn patch(&self, kind: Kind, id: &str, operations: Value) {
        let body = json!({"Operations": operations});
        let all = Projection::default();
        let any = Precondition::default();
        service::patch(&self.context(), kind, id, body.as_object().unwrap(), &all, &any).await.unwrap();
    }

    async fn delete(&self, kind: Kind, id: &str) {
        service::delete(&self.context(), kind, id, &Precondition::default()).await.unwrap();
    }

    fn records(&self) -> Vec<Value> {
        self.engine.items(TABLE, "acme#change")
    }

    /// Runs the function on a batch. Returns the sequence numbers of the records to be delivered again.
    async fn publish(&self, records: &[Value]) -> Vec<String> {
        let work = edge::invoke_event(self.publisher, publish::handle, batch(records), None);
        let outcome = as_function("Publish", work).await.unwrap();
        let failures = outcome["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes all unfinished changes due, and runs the function that finishes them.
    async fn settle(&self) -> Value {
        self.try_settle().await.unwrap()
    }

    async fn try_settle(&self) -> Result<Value, protocol::Error> {
        self.make_all_due();
        let work = edge::invoke_event(self.directory, settle::handle, event("settle"), None);
        as_function("Settle", work).await
    }

    /// Makes all unfinished changes due, as if half a minute had passed.
    fn make_all_due(&self) {
        for item in self.engine.items(TABLE, "#unfinished") {
            let due = json!({
                "TableName": TABLE, "Key": {"pk": item["pk"], "sk": item["sk"]},
                "UpdateExpression": "SET notBefore = :due", "ExpressionAttributeValues": {":due": {"N": "0"}},
            });
            self.engine.call("UpdateItem", &due);
        }
    }

    fn published(&self) -> Vec<String> {
        let name = |entry: &Value| entry["DetailType"].as_str().unwrap().to_owned();
        self.bus.lock().unwrap().accepted.iter().map(name).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_published_in_order_and_repeated_with_the_same_ids() {
    let fixture = Fixture::new(true).await;
    let user = json!({"userName": "ada", "externalId": "00u1", "password": SECRET});
    let ada = fixture.create(Kind::User, user).await;
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ada}]})).await;
    fixture.patch(Kind::User, &ada, json!([{"op": "replace", "value": {"title": "Dr", "password": SECRET}}])).await;
    fixture.delete(Kind::User, &ada).await;
    fixture.delete(Kind::Group, &staff).await;
    let records = fixture.records();
    assert_eq!(records.len(), 5);

    assert_eq!(fixture.publish(&records).await, [""; 0]);
    let expect = [
        "user.created",
        "group.created",
        "group.members.changed",
        "user.updated",
        "user.deleted",
        "group.members.changed",
        "group.deleted",
    ];
    assert_eq!(fixture.published(), expect);
    let first = fixture.bus.lock().unwrap().accepted.clone();
    for entry in &first {
        assert_eq!((&entry["EventBusName"], &entry["Source"]), (&json!("scim"), &json!("scim")));
        let time = entry["Time"].as_f64().unwrap();
        let claims = detail(entry);
        assert_eq!(time.floor() as i64, claims["iat"].as_i64().unwrap());
        assert_eq!((&claims["iss"], &claims["tenant"]), (&json!(BASE), &json!("acme")));
    }
    assert!(!json!(first).to_string().contains(SECRET));

    assert_eq!(fixture.publish(&records).await, [""; 0], "the batch is delivered once more");
    let mut ids = fixture.bus.lock().unwrap().ids();
    let again = ids.split_off(first.len());
    assert_eq!(ids, again);
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), first.len(), "each event has its own id: {ids:?}");
    assert_eq!(fixture.bus.lock().unwrap().accepted[first.len()..], first, "the repeated events are equal");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_include_resources_only_if_the_option_says_so() {
    for with_resources in [true, false] {
        let fixture = Fixture::new(with_resources).await;
        let ada = fixture.create(Kind::User, json!({"userName": "ada", "password": SECRET})).await;
        fixture.publish(&fixture.records()).await;
        fixture.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": "Dr"}])).await;
        let group = json!({"displayName": "Staff", "members": [{"value": ada}]});
        fixture.create(Kind::Group, group).await;
        fixture.publish(&fixture.records()).await;
        let accepted = fixture.bus.lock().unwrap().accepted.clone();
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

#[tokio::test(flavor = "multi_thread")]
async fn sample_batch_is_published() {
    let fixture = Fixture::new(false).await;
    let outcome = edge::invoke_event(fixture.publisher, publish::handle, event("publish"), None).await.unwrap();
    assert_eq!(outcome, json!({"batchItemFailures": []}));
    assert_eq!(fixture.published(), ["user.created", "group.members.changed"]);
}

/// An operator publishes again the events that consumers have missed: the same events, in the same order.
#[tokio::test(flavor = "multi_thread")]
async fn past_changes_are_published_again_in_their_order() {
    let fixture = Fixture::new(true).await;
    let ada = fixture.create(Kind::User, json!({"userName": "ada"})).await;
    for title in ["a", "b"] {
        fixture.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": title}])).await;
    }
    fixture.delete(Kind::User, &ada).await;
    assert_eq!(fixture.publish(&fixture.records()).await, [""; 0]);
    let first = fixture.bus.lock().unwrap().ids();
    let replay = async |query: Value| {
        as_function("EventsReplay", edge::invoke_event(fixture.publisher, events_replay::handle, query, None)).await
    };
    let all = replay(json!({"tenant": "acme", "from": "2026-01-01T00:00:00Z"})).await;
    assert_eq!(all, Ok(json!({"changes": 4, "events": 4, "refused": []})));
    assert_eq!(fixture.bus.lock().unwrap().ids(), [first.clone(), first.clone()].concat());
    for (tenant, from, to) in [
        ("acme", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("acme", "2100-01-01T00:00:00Z", "2100-01-02T00:00:00Z"),
        ("other", "2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
    ] {
        let none = replay(json!({"tenant": tenant, "from": from, "to": to})).await;
        assert_eq!(none, Ok(json!({"changes": 0, "events": 0, "refused": []})), "{tenant} {from} {to}");
    }
    for wrong in [json!({"tenant": "a#b", "from": "2026-01-01T00:00:00Z"}), json!({"tenant": "acme", "from": "monday"})]
    {
        assert!(matches!(replay(wrong).await, Err(protocol::Error::InvalidValue(_))));
    }
    let token = first[1].strip_suffix(".user.updated").unwrap();
    let rest = replay(json!({"tenant": "acme", "from": "2026-01-01T00:00:00Z", "nextToken": token})).await;
    assert_eq!(rest, Ok(json!({"changes": 2, "events": 2, "refused": []})));
    fixture.bus.lock().unwrap().is_down = true;
    let down = replay(json!({"tenant": "acme", "from": "2026-01-01T00:00:00Z"})).await;
    assert_eq!(down, Err(protocol::Error::Unavailable { retry_after: 5 }));
}
