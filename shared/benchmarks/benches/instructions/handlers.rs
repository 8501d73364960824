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

fn prepared((function, event, change, users): Case) -> Replay {
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
        recording.create_table().await.unwrap();
        let mut ids = Vec::new();
        for number in 0..users {
            let name = json!({ "userName": format!("person{number}@example.com"), "name": { "familyName": "Person" } });
            ids.push(json!({ "value": events::create(recording, "UsersCreate", name).await }));
        }
        let mut event: Value = serde_json::from_str(&events::fresh(recording, event).await).unwrap();
        apply_change(&mut event, change);
        if function.starts_with("Groups") && users > 0 {
            let group = json!({ "displayName": "Persons", "members": ids });
            let id = events::create(recording, "GroupsCreate", group).await;
            event["pathParameters"] = json!({ "id": id });
            event["path"] = json!(format!("/v2/Groups/{id}"));
        }
        recorded.lock().unwrap().clear();
        assert_success(functions::invoke(function, recording, event.clone()).unwrap().await.unwrap());
        event
    });
    // The first replay initialises the values that a process needs once. The second one is counted.
    let mut answers = std::mem::take(&mut *recorded.lock().unwrap());
    answers.extend(answers.clone());
    let answers = Mutex::new(answers);
    let directory = Directory::in_process("Table".to_owned(), move |_, _| answers.lock().unwrap().pop_front().unwrap());
    let prepared = Replay { runtime, directory: Box::leak(Box::new(directory)), function, event };
    let work = functions::invoke(function, prepared.directory, prepared.event.clone()).unwrap();
    assert_success(prepared.runtime.block_on(work).unwrap());
    prepared
}

/// Checks the response of an operation, and of each operation of a bulk request: the recorded responses of DynamoDB fit no
/// other calls than the recorded ones.
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
#[bench::users_create(args = (("UsersCreate", "users-create", "", 0)), setup = prepared)]
#[bench::users_get(args = (("UsersGet", "users-get", "", 0)), setup = prepared)]
#[bench::users_exists_miss(args = (("UsersList", "users-list", "", 0)), setup = prepared)]
#[bench::users_exists_hit(args = (("UsersList", "users-list", HIT, 5)), setup = prepared)]
#[bench::users_page_of_20(args = (("UsersList", "users-list", PAGE, 20)), setup = prepared)]
#[bench::users_search_of_20(args = (("UsersList", "users-list", SEARCH, 20)), setup = prepared)]
#[bench::users_replace(args = (("UsersReplace", "users-replace", "", 0)), setup = prepared)]
#[bench::users_patch(args = (("UsersPatch", "users-patch", "", 0)), setup = prepared)]
#[bench::users_delete(args = (("UsersDelete", "users-delete", "", 0)), setup = prepared)]
#[bench::groups_create(args = (("GroupsCreate", "groups-create", "", 0)), setup = prepared)]
#[bench::groups_get_of_20(args = (("GroupsGet", "groups-get", "", 20)), setup = prepared)]
#[bench::groups_patch_of_20(args = (("GroupsPatch", "groups-patch", "", 20)), setup = prepared)]
#[bench::bulk(args = (("Bulk", "bulk", BULK, 0)), setup = prepared)]
#[bench::schemas(args = (("Schemas", "schemas", "", 0)), setup = prepared)]
fn handler(prepared: Replay) -> Value {
    black_box(prepared.run())
}

library_benchmark_group!(name = operation, benchmarks = [handler]);
