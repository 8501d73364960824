//! The cost of each operation: DynamoDB calls, how many of them follow one another, and capacity units. None of
//! these figures depends on the machine, so this is a test: if an operation costs more or less than its row
//! specifies, the operation has a mistake or the row has to change.
//!
//! `COSTS_USERS` sets the number of users in the directory (100 by default; 100,000 take half a minute). Only the
//! first read of a page far down a list depends on it.

use std::time::Duration;

use gateway::functions;
use protocol::Caller;
use serde_json::{Value, json};
use store::load::{self, user_name};
use store::{Connection, Credentials, Directory};
use testkit::{CallCost, CallMeter, FaultProxy, variable};
use tracing::instrument::WithSubscriber;

use crate::directory::{TABLE, directory, event};

/// The delay of each call, so that concurrent calls overlap and the test recognises them.
const LATENCY: Duration = Duration::from_millis(20);

/// The size of the users that `Directory::load` writes, each with its format and the keys that are stored with it.
const USERS_PER_MEGABYTE: u64 = 2720;

/// A placeholder for read units that grow with the number of users that the operation counts.
const ANY: f64 = f64::NAN;

/// A request, its expected status and its expected cost.
struct CostBudget {
    name: &'static str,
    status: u64,
    cost: CallCost,
    event: Value,
    function: &'static str,
}

const fn cost(depth: usize, calls: usize, read: f64, write: f64) -> CallCost {
    CallCost { depth, calls, read, write }
}

/// The ids of the resources that the rows name.
struct FixtureIds {
    /// A user in no group.
    alone: String,
    /// A user in a group.
    member: String,
    /// A user who joins groups and leaves them.
    other: String,
    /// A group of ten.
    group: String,
    empty_group: String,
    /// Three users, as members.
    three: Value,
}

/// A row with the event of a request to one resource or to a collection.
fn row(
    name: &'static str,
    status: u64,
    cost: CallCost,
    function: &'static str,
    id: Option<&str>,
    query: Value,
    body: Value,
) -> CostBudget {
    let kind = if function.starts_with("Users") { "Users" } else { "Groups" };
    let method = match function.trim_start_matches(kind) {
        "Create" => "POST",
        "Replace" => "PUT",
        "Patch" => "PATCH",
        "Delete" => "DELETE",
        _ => "GET",
    };
    let event = testkit::event("acme", method, kind, id, query, body.is_object().then_some(body));
    CostBudget { name, status, cost, event, function }
}

const NONE: Value = Value::Null;

fn page(from: u64) -> Value {
    json!({ "startIndex": [from.to_string()], "count": ["20"] })
}

fn patch(operations: Value) -> Value {
    json!({ "Operations": operations })
}

fn users(ids: &FixtureIds) -> Vec<CostBudget> {
    let alone = Some(ids.alone.as_str());
    let member = Some(ids.member.as_str());
    let filter = |name: &str| json!({ "filter": [format!("userName eq \"{name}\"")] });
    let active = |active: bool| patch(json!([{ "op": "replace", "value": { "active": active } }]));
    let user = |name: &str| json!({ "userName": name });
    let changed = |attribute: &str, value: &str| {
        let mut user = load::user(&user_name(50));
        user.insert(attribute.to_owned(), json!(value));
        json!(user)
    };
    vec![
        row("create a user", 201, cost(1, 1, 0.0, 8.0), "UsersCreate", None, NONE, user("new")),
        row("create a user whose name is taken", 409, cost(1, 1, 0.0, 0.0), "UsersCreate", None, NONE, user("new")),
        row("get a user in no group", 200, cost(1, 3, 3.0, 0.0), "UsersGet", alone, NONE, NONE),
        row("get a user in a group", 200, cost(2, 4, 4.0, 0.0), "UsersGet", member, NONE, NONE),
        row("find a user by name: none", 200, cost(1, 1, 1.0, 0.0), "UsersList", None, filter("nobody"), NONE),
        row("find a user by name: one", 200, cost(2, 4, 4.0, 0.0), "UsersList", None, filter(&user_name(50)), NONE),
        row(
            "replace a user, no change",
            200,
            cost(1, 3, 3.0, 0.0),
            "UsersReplace",
            alone,
            NONE,
            json!(load::user(&user_name(50))),
        ),
        row("replace a user", 200, cost(2, 4, 3.0, 4.0), "UsersReplace", alone, NONE, changed("title", "x")),
        row("patch a user, no change", 200, cost(1, 3, 3.0, 0.0), "UsersPatch", alone, NONE, active(true)),
        row("patch a user", 200, cost(2, 4, 3.0, 4.0), "UsersPatch", alone, NONE, active(false)),
        row("rename a user", 200, cost(2, 4, 3.0, 8.0), "UsersReplace", alone, NONE, changed("userName", "renamed")),
    ]
}

fn groups(ids: &FixtureIds) -> Vec<CostBudget> {
    let group = Some(ids.group.as_str());
    let empty = Some(ids.empty_group.as_str());
    let bare = || json!({ "excludedAttributes": ["members"] });
    let id = ids.other.as_str();
    let add = || patch(json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]));
    let remove = || patch(json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]));
    let three = json!({ "displayName": "Three", "members": ids.three });
    vec![
        row("create a group", 201, cost(1, 1, 0.0, 8.0), "GroupsCreate", None, NONE, json!({ "displayName": "New" })),
        row("create a group of 3", 201, cost(2, 2, 1.5, 26.0), "GroupsCreate", None, NONE, three),
        row("get a group of 10", 200, cost(3, 3, 3.0, 0.0), "GroupsGet", group, NONE, NONE),
        row("get a group without members", 200, cost(1, 1, 1.0, 0.0), "GroupsGet", group, bare(), NONE),
        row("add a first member", 200, cost(2, 4, 2.5, 10.0), "GroupsPatch", empty, bare(), add()),
        row("add a member", 200, cost(2, 4, 2.5, 10.0), "GroupsPatch", group, bare(), add()),
        row("add a user who is already a member", 200, cost(2, 4, 6.5, 0.0), "GroupsPatch", group, bare(), add()),
        row("remove a member", 200, cost(2, 3, 2.0, 10.0), "GroupsPatch", group, bare(), remove()),
        row("remove a user who is not a member", 200, cost(2, 3, 6.0, 0.0), "GroupsPatch", group, bare(), remove()),
        row("add a member, return 11 members", 200, cost(2, 6, 4.5, 10.0), "GroupsPatch", group, NONE, add()),
        row("remove a member, return 10 members", 200, cost(2, 5, 4.0, 10.0), "GroupsPatch", group, NONE, remove()),
        row("a page of 4 groups", 200, cost(3, 6, 6.0, 0.0), "GroupsList", None, page(1), NONE),
        row("a page of groups without members", 200, cost(1, 2, 2.0, 0.0), "GroupsList", None, bare(), NONE),
    ]
}

fn lists_and_ends(ids: &FixtureIds, count: u64) -> Vec<CostBudget> {
    let group = Some(ids.group.as_str());
    let alone = Some(ids.alone.as_str());
    // A page that no earlier page leads to is found by counting the users before it, a megabyte at a time.
    let counting = 1 + (count / 2 / USERS_PER_MEGABYTE) as usize;
    // Above a thousand users, the count starts at a saved position, and saves at most fifteen of those that it passes.
    let saved = if count / 2 + 19 < 1000 { 0 } else { counting.div_ceil(counting.div_ceil(15)) };
    let positions = usize::from(saved > 0);
    let far = cost(3 + counting + 2 * positions, 5 + counting + positions + saved, ANY, (1 + saved) as f64);
    vec![
        row("a first page of 20 users, 10 in a group", 200, cost(3, 15, 16.0, 1.0), "UsersList", None, page(1), NONE),
        row("a page far down, no bookmark", 200, far, "UsersList", None, page(count / 2 + 20), NONE),
        row("next page, by bookmark", 200, cost(3, 5, 4.0, 2.0), "UsersList", None, page(count / 2 + 40), NONE),
        row("delete a group of 10", 204, cost(3, 4, 3.0, 68.0), "GroupsDelete", group, NONE, NONE),
        row("delete a user in no group", 204, cost(2, 3, 2.0, 10.0), "UsersDelete", alone, NONE, NONE),
        row("delete a user in a group", 204, cost(3, 4, 3.0, 16.0), "UsersDelete", Some(&ids.other), NONE, NONE),
    ]
}

struct Fixture {
    directory: &'static Directory,
    meter: CallMeter,
}

impl Fixture {
    /// The body of the response, and the cost.
    async fn send(&self, row: &CostBudget) -> (Value, CallCost) {
        self.meter.begin();
        let work = functions::invoke(row.function, self.directory, row.event.clone()).unwrap();
        let answer = work.with_subscriber(self.meter.subscriber()).await.unwrap();
        let body = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        assert_eq!(answer["statusCode"], row.status, "{}: {body}", row.name);
        (body, self.meter.take())
    }

    async fn create(&self, function: &'static str, body: Value) -> String {
        let (body, _) = self.send(&row("create", 201, CallCost::default(), function, None, NONE, body)).await;
        body["id"].as_str().unwrap().to_owned()
    }

    async fn load(&self, count: u64) -> FixtureIds {
        let caller = Caller::from_context("acme", "t", "read write", None).unwrap();
        let ids = self.directory.load(&caller, 0..count as usize).await.unwrap();
        let of = |ids: &[String]| -> Value { ids.iter().map(|id| json!({ "value": id })).collect() };
        FixtureIds {
            group: self.create("GroupsCreate", json!({ "displayName": "Ten", "members": of(&ids[..10]) })).await,
            empty_group: self.create("GroupsCreate", json!({ "displayName": "Empty" })).await,
            alone: ids[50].clone(),
            member: ids[0].clone(),
            other: ids[60].clone(),
            three: of(&ids[20..23]),
        }
    }
}

#[tokio::test]
async fn every_operation_costs_exactly_its_budget() {
    let (directory, engine) = directory().await;
    let slow = FaultProxy::before(&engine.url, 1);
    let connection = Connection {
        endpoint: Some(slow.url().to_owned()),
        table: TABLE.to_owned(),
        credentials: Credentials::Key(engine.key.clone()),
    };
    let count = variable("COSTS_USERS", 100);
    let meter = CallMeter::default();
    let ids = Fixture { directory, meter: meter.clone() }.load(count).await;
    slow.add_latency(LATENCY);
    let fixture = Fixture { directory: Box::leak(Box::new(Directory::connect(connection).await.unwrap())), meter };
    let mut problems = Vec::new();
    println!("| {count} users | sequential calls | calls | units read | units written |\n|---|---|---|---|---|");
    for row in users(&ids).into_iter().chain(groups(&ids)).chain(lists_and_ends(&ids, count)) {
        let (_, usage) = fixture.send(&row).await;
        let CallCost { depth, calls, read, write } = usage;
        let expect = CallCost { read: if row.cost.read.is_nan() { read } else { row.cost.read }, ..row.cost };
        println!("| {} | {depth} | {calls} | {read} | {write} |", row.name);
        problems.extend((usage != expect).then(|| format!("{}: {usage:?}, not {expect:?}", row.name)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn token_check_costs_one_call() {
    let (directory, _engine) = directory().await;
    let request = serde_json::from_value(json!({ "tenant": "acme", "label": "costs" })).unwrap();
    let token = service::tokens::issue(directory, request).await.unwrap().token;
    let mut event = event("authorizer");
    event["headers"]["Authorization"] = json!(format!("Bearer {token}"));
    event["multiValueHeaders"]["Authorization"] = json!([format!("Bearer {token}")]);
    let meter = CallMeter::default();
    let mut usages = Vec::new();
    for _ in 0..2 {
        meter.begin();
        let work = edge::invoke_event(directory, authorizer::handle, event.clone(), None);
        let policy = work.with_subscriber(meter.subscriber()).await.unwrap();
        assert_eq!(policy["policyDocument"]["Statement"][0]["Effect"], "Allow");
        usages.push(meter.take());
    }
    // The first use of each day is recorded.
    assert_eq!(usages, [cost(2, 2, 1.0, 1.0), cost(1, 1, 1.0, 0.0)]);
}
