//! Replays recorded exchanges of Okta from a folder of JSON files with `method`, `path`, `request`, `response` and
//! `statusCode`.
//!
//! A recording is the middle of a conversation, so the check first creates the resources that the recording
//! presupposes: the user or group of its path, and the users that it names as members. Their ids replace the
//! recorded ids.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, contains, values};
use crate::client::Client;
use crate::idp::exchanges::method;
use crate::idp::okta::Okta;
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    recordings_are_answered_as_recorded: EmptyDirectory Recordings,
];

/// The ids in a text, with or without hyphens, in their order and without duplicates.
fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_hexdigit() && c != '-') {
        if word.chars().filter(char::is_ascii_hexdigit).count() == 32 && !ids.iter().any(|id| id == word) {
            ids.push(word.to_owned());
        }
    }
    ids
}

/// The resource without the attributes that a replay cannot send or compare.
fn replayable(resource: &Value) -> Map<String, Value> {
    let mut resource = resource.as_object().cloned().unwrap_or_default();
    for name in ["id", "meta", "groups", "members", "password", "schemas"] {
        resource.remove(name);
    }
    resource
}

/// Creates the resources that the recording presupposes, and returns a map from recorded ids to their ids.
fn prepare(scim: &Client, recording: &Value) -> BTreeMap<String, String> {
    let path = recording["path"].as_str().unwrap();
    let own = ids(path);
    let mentioned = format!("{}{}", recording["request"], recording["response"]["members"]);
    let mut made = BTreeMap::new();
    for member in ids(&mentioned).into_iter().filter(|id| !own.contains(id)) {
        let user = scim.post("/Users", &json!({ "userName": unique("member") })).expect(201);
        made.insert(member, user.id());
    }
    for id in own {
        let (endpoint, attribute) =
            if path.starts_with("/Groups") { ("/Groups", "displayName") } else { ("/Users", "userName") };
        let mut resource = replayable(&recording["response"]);
        resource.entry(attribute).or_insert_with(|| json!(unique("recorded ")));
        let mut resource = Value::Object(resource);
        if let Some(members) = recording["response"].get("members") {
            resource["members"] = serde_json::from_str(&substitute(&members.to_string(), &made)).unwrap();
        }
        made.insert(id, scim.post(endpoint, &resource).expect(201).id());
    }
    made
}

fn substitute(text: &str, made: &BTreeMap<String, String>) -> String {
    made.iter().fold(text.to_owned(), |text, (recorded, id)| text.replace(recorded, id))
}

/// Checks that the response contains the values that the request sent.
fn check_contains_request(answer: &Answer, request: &Value) {
    let whole = replayable(request);
    let patched = request["Operations"].as_array();
    for operation in patched.into_iter().flatten() {
        if let (None, Some(value)) = (operation.get("path"), operation.get("value")) {
            let value = Value::Object(replayable(value));
            answer.check(contains(&answer.body, &value), &format!("expected what was sent: {value}"));
        }
    }
    if let Some(last) = patched.and_then(|all| all.last()).filter(|last| last["path"] == "members") {
        answer.check(values(&answer["members"]) == values(&last["value"]), "expected the members that were sent last");
    }
    if patched.is_none() {
        let sent = Value::Object(whole);
        answer.check(contains(&answer.body, &sent), &format!("expected what was sent: {sent}"));
    }
}

fn replay(target: &Target, recording: &Value) {
    let scim = Okta::of(target).scim;
    let made = prepare(&scim, recording);
    let path = substitute(recording["path"].as_str().unwrap(), &made);
    let mut request = Request::new(method(recording["method"].as_str().unwrap()), path);
    let body: Value = serde_json::from_str(&substitute(&recording["request"].to_string(), &made)).unwrap();
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = scim.send(&request);
    let recorded = recording["statusCode"].as_u64().unwrap();
    answer.check(
        u64::from(answer.status) / 100 == recorded / 100,
        &format!("expected a status like the recorded {recorded}"),
    );
    if !body.is_null() {
        return check_contains_request(&answer, &body);
    }
    let response: Value = serde_json::from_str(&substitute(&recording["response"].to_string(), &made)).unwrap();
    match response.get("totalResults") {
        Some(total) => answer.check(answer["totalResults"] == *total, "expected the recorded total"),
        None => answer
            .check(contains(&answer.body, &Value::Object(replayable(&response))), "expected the recorded attributes"),
    }
}

fn recordings_are_answered_as_recorded(target: &Target) {
    let entries = fs::read_dir(target.recordings.as_ref().expect("a folder of recordings")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    assert!(!files.is_empty(), "expected recordings in the folder");
    for file in files {
        let recording: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        // Several recordings use the same names, so each starts with an empty directory.
        let target = target.for_one_check();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| replay(&target, &recording)));
        target.clean_up();
        if let Err(failure) = outcome {
            let message = failure.downcast_ref::<String>().cloned().unwrap_or_default();
            panic!("recording {}: {message}", file.display());
        }
    }
}
