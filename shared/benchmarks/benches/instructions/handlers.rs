//! Whole operations, from API Gateway's event to the response.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use embedded::{Database, Engine};
use gungraun::prelude::*;
use serde_json::{Value, json};
use store::Directory;
use tokio::runtime::{Builder, Runtime};

use gateway::functions;

use crate::events;

/// An operation whose DynamoDB calls get recorded responses.
struct Replay {
    runtime: Runtime,
    directory: &'static Directory,
    function: &'static str,
    event: Value,
}

impl Replay {
    fn run(self) -> Value {
        let work = functions::invoke(self.function, self.directory, self.event).unwrap();
        self.runtime.block_on(work).unwrap()
    }
}

/// The responses of the engine.
type Recording = Arc<Mutex<VecDeque<(u16, String)>>>;

/// A function, the name of its event in `events/`, changes to the event, and the number of users.
type Case = (&'static str, &'static str, &'static str, usize);

/// Records the calls of a function, and returns their replay.
fn prepare(case: Case) -> Replay {
    let function = case.0;
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let engine = Engine::new(Database::memory().unwrap(), "local".to_owned());
    let recorded = Recording::default();
    let responses = recorded.clone();
    let recording = Directory::in_process("Table".to_owned(), move |operation, body| {
        let (status, answer) = engine.answer(operation, std::str::from_utf8(body).unwrap());
        responses.lock().unwrap().push_back((status.as_u16(), answer.clone()));
        (status.as_u16(), answer)
    });
    let recording: &'static Directory = Box::leak(Box::new(recording));
    let event = runtime.block_on(async {
        let event = event_of(case, recording).await;
        recorded.lock().unwrap().clear();
        assert_success(functions::invoke(function, recording, event.clone()).unwrap().await.unwrap());
        event
    });
    // The first replay initialises the values that a process needs once. The second one is counted.
    let mut answers = std::mem::take(&mut *recorded.lock().unwrap());
    answers.extend(answers.clone());
    let answers = Mutex::new(answers);
    let directory = Directory::in_process("Table".to_owned(), move |_, _| answers.lock().unwrap().pop_front().unwrap());
    let replay = Replay { runtime, directory: Box::leak(Box::new(directory)), function, event };
    let work = functions::invoke(function, replay.directory, replay.event.clone()).unwrap();
    assert_success(replay.runtime.block_on(work).unwrap());
    replay
}

/// Fills a new table, and returns the event for the function.
async fn event_of((function, event, change, users): Case, directory: &'static Directory) -> Value {
    directory.create_table().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..users {
        let name = json!({ "userName": format!("person{number}@example.com"), "name": { "familyName": "Person" } });
        ids.push(json!({ "value": events::create(directory, "UsersCreate", name).await }));
    }
    let mut event: Value = serde_json::from_str(&events::fresh(directory, event).await).unwrap();
    apply_change(&mut event, change);
    if function.starts_with("Groups") && users > 0 {
        let group = json!({ "displayName": "Persons", "members": ids });
        let id = events::create(directory, "GroupsCreate", group).await;
        event["pathParameters"] = json!({ "id": id });
        event["path"] = json!(format!("/v2/Groups/{id}"));
    }
    event
}

/// Checks the response of an operation, and of each operation of a bulk request, because the recorded responses of
/// DynamoDB fit only the recorded calls.
fn assert_success(answer: Value) {
    let body: Value = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let operations = body["Operations"].as_array().into_iter().flatten();
    let of_operations = operations.map(|operation| operation["status"].as_str().unwrap().parse::<u64>().unwrap());
    let statuses: Vec<u64> = answer["statusCode"].as_u64().into_iter().chain(of_operations).collect();
    assert!(!statuses.is_empty() && statuses.iter().all(|status| *status < 300), "{answer}");
}

/// Replaces members of the event; the body is a text in the event.
fn apply_change(event: &mut Value, change: &str) {
    if change.is_empty() {
        return;
    }
    let change: Value = serde_json::from_str(change).unwrap();
    for (name, value) in change.as_object().unwrap() {
        event[name] = if name == "body" { value.to_string().into() } else { value.clone() };
    }
}

const HIT: &str = r#"{"multiValueQueryStringParameters": {"filter": ["userName eq \"person3@example.com\""]}}"#;
const PAGE: &str = r#"{"multiValueQueryStringParameters": {"startIndex": ["1"], "count": ["20"]}}"#;
const SEARCH: &str =
    r#"{"multiValueQueryStringParameters": {"filter": ["name.familyName sw \"per\" and active eq true"]}}"#;
/// No operation needs the id of another one, which is a new one in each run.
const BULK: &str = r#"{"body": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
    {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Tour Guides"}},
    {"method": "POST", "path": "/Users", "bulkId": "b", "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice@example.com"}}]}}"#;

#[library_benchmark(teardown = assert_success)]
#[bench::users_create(args = (("UsersCreate", "users-create", "", 0)), setup = prepare)]
#[bench::users_get(args = (("UsersGet", "users-get", "", 0)), setup = prepare)]
#[bench::users_exists_miss(args = (("UsersList", "users-list", "", 0)), setup = prepare)]
#[bench::users_exists_hit(args = (("UsersList", "users-list", HIT, 5)), setup = prepare)]
#[bench::users_page_of_20(args = (("UsersList", "users-list", PAGE, 20)), setup = prepare)]
#[bench::users_search_of_20(args = (("UsersList", "users-list", SEARCH, 20)), setup = prepare)]
#[bench::users_replace(args = (("UsersReplace", "users-replace", "", 0)), setup = prepare)]
#[bench::users_patch(args = (("UsersPatch", "users-patch", "", 0)), setup = prepare)]
#[bench::users_delete(args = (("UsersDelete", "users-delete", "", 0)), setup = prepare)]
#[bench::groups_create(args = (("GroupsCreate", "groups-create", "", 0)), setup = prepare)]
#[bench::groups_get_of_20(args = (("GroupsGet", "groups-get", "", 20)), setup = prepare)]
#[bench::groups_patch_of_20(args = (("GroupsPatch", "groups-patch", "", 20)), setup = prepare)]
#[bench::bulk(args = (("Bulk", "bulk", BULK, 0)), setup = prepare)]
#[bench::schemas(args = (("Schemas", "schemas", "", 0)), setup = prepare)]
fn handler(replay: Replay) -> Value {
    black_box(replay.run())
}

library_benchmark_group!(name = operation, benchmarks = [handler]);
