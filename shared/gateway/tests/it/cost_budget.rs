//! What each operation costs: calls of DynamoDB, how many of them follow one another, and capacity units. None of it depends on the
//! machine, so it is a test: what costs anything else than its row says is a mistake, or a reason to change the row.
//!
//! `COSTS_USERS` says how many users the directory has (100; 100,000 take half a minute): only the first way to a place far down a
//! list depends on it.

use std::time::Duration;

use protocol::Caller;
use serde_json::{Value, json};
use store::load::{self, user_name};
use store::{Connection, Credentials, Directory};
use testing::{Faulty, Meter, Usage, variable};
use tracing::instrument::WithSubscriber;

use crate::functions;
use crate::tests::directory;

/// So long each call takes at least: what is sent at once is seen to be.
const HELD: Duration = Duration::from_millis(20);

/// As they are loaded.
const USERS_PER_MEGABYTE: u64 = 3000;

/// What is read in proportion to what is counted off.
const COUNTED: f64 = f64::NAN;

/// A request, the status that it is to have, and what it is to cost.
struct Row {
    what: &'static str,
    status: u64,
    cost: Usage,
    event: Value,
    function: &'static str,
}

const fn cost(depth: usize, calls: usize, read: f64, write: f64) -> Usage {
    Usage { depth, calls, read, write }
}

/// Whom the rows are about: a user in no group, one in a group, one to come and go; a group of ten, an empty one.
struct People {
    alone: String,
    member: String,
    other: String,
    group: String,
    empty: String,
    three: Value,
}

/// The event of a request for the resource with an id, or for all of them.
fn row(
    what: &'static str,
    status: u64,
    cost: Usage,
    function: &'static str,
    id: Option<&str>,
    query: Value,
    body: Value,
) -> Row {
    let kind = if function.starts_with("Users") { "Users" } else { "Groups" };
    let method = match function.trim_start_matches(kind) {
        "Create" => "POST",
        "Replace" => "PUT",
        "Patch" => "PATCH",
        "Delete" => "DELETE",
        _ => "GET",
    };
    let event = testing::event("acme", method, kind, id, query, body.is_object().then_some(body));
    Row { what, status, cost, event, function }
}

const NONE: Value = Value::Null;

fn page(from: u64) -> Value {
    json!({ "startIndex": [from.to_string()], "count": ["20"] })
}

fn patch(operations: Value) -> Value {
    json!({ "Operations": operations })
}

fn users(people: &People) -> Vec<Row> {
    let (alone, member) = (Some(people.alone.as_str()), Some(people.member.as_str()));
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
        row("create one whose name is taken", 409, cost(1, 1, 0.0, 0.0), "UsersCreate", None, NONE, user("new")),
        row("get a user in no group", 200, cost(1, 3, 3.0, 0.0), "UsersGet", alone, NONE, NONE),
        row("get a user in a group", 200, cost(2, 4, 4.0, 0.0), "UsersGet", member, NONE, NONE),
        row("does a name exist: no", 200, cost(1, 1, 1.0, 0.0), "UsersList", None, filter("nobody"), NONE),
        row("does a name exist: yes", 200, cost(2, 4, 4.0, 0.0), "UsersList", None, filter(&user_name(50)), NONE),
        row(
            "put a user, no change",
            200,
            cost(1, 3, 3.0, 0.0),
            "UsersReplace",
            alone,
            NONE,
            json!(load::user(&user_name(50))),
        ),
        row("put a user", 200, cost(2, 4, 3.0, 4.0), "UsersReplace", alone, NONE, changed("title", "x")),
        row("patch a user, no change", 200, cost(1, 3, 3.0, 0.0), "UsersPatch", alone, NONE, active(true)),
        row("patch a user", 200, cost(2, 4, 3.0, 4.0), "UsersPatch", alone, NONE, active(false)),
        row("rename a user", 200, cost(2, 4, 3.0, 8.0), "UsersReplace", alone, NONE, changed("userName", "renamed")),
    ]
}

fn groups(people: &People) -> Vec<Row> {
    let (group, empty) = (Some(people.group.as_str()), Some(people.empty.as_str()));
    let bare = || json!({ "excludedAttributes": ["members"] });
    let id = people.other.as_str();
    let add = || patch(json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]));
    let remove = || patch(json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]));
    let three = json!({ "displayName": "Three", "members": people.three });
    vec![
        row("create a group", 201, cost(1, 1, 0.0, 8.0), "GroupsCreate", None, NONE, json!({ "displayName": "New" })),
        row("create a group of 3", 201, cost(2, 2, 1.5, 26.0), "GroupsCreate", None, NONE, three),
        row("get a group of 10", 200, cost(3, 3, 3.0, 0.0), "GroupsGet", group, NONE, NONE),
        row("get a group without members", 200, cost(1, 1, 1.0, 0.0), "GroupsGet", group, bare(), NONE),
        row("add a first member", 200, cost(2, 4, 2.5, 10.0), "GroupsPatch", empty, bare(), add()),
        row("add a member", 200, cost(2, 4, 2.5, 10.0), "GroupsPatch", group, bare(), add()),
        row("add a member who is there", 200, cost(2, 4, 3.5, 0.0), "GroupsPatch", group, bare(), add()),
        row("remove a member", 200, cost(2, 3, 2.0, 10.0), "GroupsPatch", group, bare(), remove()),
        row("remove one who is not there", 200, cost(2, 3, 3.0, 0.0), "GroupsPatch", group, bare(), remove()),
        row("add a member, answered with 11", 200, cost(2, 6, 4.5, 10.0), "GroupsPatch", group, NONE, add()),
        row("remove a member, answered with 10", 200, cost(2, 5, 4.0, 10.0), "GroupsPatch", group, NONE, remove()),
        row("a page of 4 groups", 200, cost(3, 6, 6.0, 0.0), "GroupsList", None, page(1), NONE),
        row("a page of groups without members", 200, cost(1, 2, 2.0, 0.0), "GroupsList", None, bare(), NONE),
    ]
}

fn lists_and_ends(people: &People, count: u64) -> Vec<Row> {
    let (group, alone) = (Some(people.group.as_str()), Some(people.alone.as_str()));
    // Who comes upon a page has those before it counted off, a megabyte at a time.
    let counting = 1 + (count / 2 / USERS_PER_MEGABYTE) as usize;
    let (far, next) = (cost(3 + counting, 5 + counting, COUNTED, 1.0), if count > 100 { 4.0 } else { 3.0 });
    vec![
        row("a first page of 20 users, 10 in a group", 200, cost(3, 15, 15.0, 1.0), "UsersList", None, page(1), NONE),
        row("a page far down, come upon", 200, far, "UsersList", None, page(count / 2 + 20), NONE),
        row("the page after it", 200, cost(3, 5, next, 2.0), "UsersList", None, page(count / 2 + 40), NONE),
        row("delete a group of 10", 204, cost(3, 4, 3.0, 68.0), "GroupsDelete", group, NONE, NONE),
        row("delete a user in no group", 204, cost(2, 3, 2.0, 10.0), "UsersDelete", alone, NONE, NONE),
        row("delete a user in a group", 204, cost(3, 4, 3.0, 16.0), "UsersDelete", Some(&people.other), NONE, NONE),
    ]
}

struct Site {
    directory: &'static Directory,
    meter: Meter,
}

impl Site {
    /// The answer's body, and what it cost.
    async fn ask(&self, row: &Row) -> (Value, Usage) {
        self.meter.begin();
        let work = functions::call(row.function, self.directory, row.event.clone()).unwrap();
        let answer = work.with_subscriber(self.meter.subscriber()).await.unwrap();
        let body = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        assert_eq!(answer["statusCode"], row.status, "{}: {body}", row.what);
        (body, self.meter.take())
    }

    async fn create(&self, function: &'static str, body: Value) -> String {
        let (body, _) = self.ask(&row("create", 201, Usage::default(), function, None, NONE, body)).await;
        body["id"].as_str().unwrap().to_owned()
    }

    async fn people(&self, count: u64) -> People {
        let caller = Caller::from_context("acme", "t", "read write", None).unwrap();
        let ids = self.directory.load(&caller, 0..count as usize).await.unwrap();
        let of = |ids: &[String]| -> Value { ids.iter().map(|id| json!({ "value": id })).collect() };
        People {
            group: self.create("GroupsCreate", json!({ "displayName": "Ten", "members": of(&ids[..10]) })).await,
            empty: self.create("GroupsCreate", json!({ "displayName": "Empty" })).await,
            alone: ids[50].clone(),
            member: ids[0].clone(),
            other: ids[60].clone(),
            three: of(&ids[20..23]),
        }
    }
}

#[tokio::test]
async fn every_operation_costs_what_its_row_says() {
    let (directory, engine) = directory().await;
    let slow = Faulty::before(&engine.url, 1);
    let connection = Connection {
        endpoint: Some(slow.url().to_owned()),
        table: "scim".to_owned(),
        credentials: Credentials::Key(engine.key.clone()),
    };
    let (count, meter) = (variable("COSTS_USERS", 100), Meter::default());
    let people = Site { directory, meter: meter.clone() }.people(count).await;
    slow.hold(HELD);
    let site = Site { directory: Box::leak(Box::new(Directory::connect(connection).await.unwrap())), meter };
    let mut wrong = Vec::new();
    println!("| at {count} users | depth | calls | units read | units written |\n|---|---|---|---|---|");
    for row in users(&people).into_iter().chain(groups(&people)).chain(lists_and_ends(&people, count)) {
        let (_, usage) = site.ask(&row).await;
        let Usage { depth, calls, read, write } = usage;
        let expect = Usage { read: if row.cost.read.is_nan() { read } else { row.cost.read }, ..row.cost };
        println!("| {} | {depth} | {calls} | {read} | {write} |", row.what);
        wrong.extend((usage != expect).then(|| format!("{}: {usage:?}, not {expect:?}", row.what)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_token_costs_one_call() {
    let (directory, _engine) = directory().await;
    let wanted = serde_json::from_value(json!({ "tenant": "acme", "label": "costs" })).unwrap();
    let token = service::tokens::issue(directory, wanted).await.unwrap().token;
    let mut event: Value = serde_json::from_str(include_str!("../../../events/authorizer.json")).unwrap();
    event["headers"]["Authorization"] = json!(format!("Bearer {token}"));
    event["multiValueHeaders"]["Authorization"] = json!([format!("Bearer {token}")]);
    let meter = Meter::default();
    let mut usages = Vec::new();
    for _ in 0..2 {
        meter.begin();
        let asked = edge::invoke_event(directory, authorizer::handle, event.clone(), None);
        let policy = asked.with_subscriber(meter.subscriber()).await.unwrap();
        assert_eq!(policy["policyDocument"]["Statement"][0]["Effect"], "Allow");
        usages.push(meter.take());
    }
    // On each day the first use is written down.
    assert_eq!(usages, [cost(2, 2, 1.0, 1.0), cost(1, 1, 1.0, 0.0)]);
}
