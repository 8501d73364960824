//! Repeats requests that a server defers with 429 or 503, as identity providers do, for servers that are throttled or fail at
//! random. A repeat takes into account what an earlier attempt may have done without an answer.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value does not have reads as null")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::client::{Client, Request, encode};

/// How often a request is repeated.
const REPEATS: usize = 40;
/// How long to wait before each repeat.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a check is run in which operations of bulk requests are deferred.
const ROUNDS: usize = 5;

thread_local! {
    /// Whether an operation of a bulk request was deferred since a check began.
    static IS_DEFERRED: Cell<bool> = const { Cell::new(false) };
}

/// Sends a request until it is not deferred.
pub(crate) fn send(client: &Client, request: &Request) -> Result<Answer, ureq::Error> {
    let mut is_unknown = false;
    for _ in 0..REPEATS {
        let answer = client.try_send(request)?;
        match (request.method, answer.status) {
            (_, 429) => {}
            (_, 503) => is_unknown = true,
            ("DELETE", 404) if is_unknown => {
                return Ok(Answer { status: 204, text: String::new(), body: Value::Null, ..answer });
            }
            ("POST", 409) if is_unknown => return created(client, request, answer),
            _ => {
                note_deferred_operations(&answer);
                return Ok(answer);
            }
        }
        thread::sleep(PAUSE);
    }
    client.try_send(request)
}

/// Runs a check, and runs it again if it fails while an operation of a bulk request was deferred: the other operations stay
/// done, so that the request itself cannot be repeated.
///
/// # Panics
///
/// If the check does, in the last round or without a deferred operation.
pub fn repeat_if_deferred(check: impl Fn()) {
    for round in 1.. {
        IS_DEFERRED.set(false);
        match catch_unwind(AssertUnwindSafe(&check)) {
            Ok(()) => return,
            Err(_) if IS_DEFERRED.get() && round < ROUNDS => {}
            Err(failure) => resume_unwind(failure),
        }
    }
}

/// Notes operations of a bulk request that were deferred. Resources of a cycle that could not be deleted again count too: their
/// delete was deferred.
fn note_deferred_operations(answer: &Answer) {
    let is_deferred = |report: &Value| {
        let detail = report["response"]["detail"].as_str().unwrap_or_default();
        ["503", "429"].iter().any(|status| report["status"] == *status) || detail.contains("could not be deleted again")
    };
    if answer.body["Operations"].as_array().into_iter().flatten().any(is_deferred) {
        IS_DEFERRED.set(true);
    }
}

/// The resource that an unanswered create has made, if it is the one with which its repeat conflicts.
fn created(client: &Client, request: &Request, refused: Answer) -> Result<Answer, ureq::Error> {
    let sent: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let name = if request.path.starts_with("/Users") { "userName" } else { "displayName" };
    let endpoint = request.path.split('?').next().unwrap_or_default();
    let found = send(
        client,
        &Request::new("GET", format!("{endpoint}?filter={}", encode(&format!("{name} eq {}", sent[name])))),
    )?;
    let Some(id) = found.body["Resources"][0]["id"].as_str() else { return Ok(refused) };
    let whole = send(client, &Request::new("GET", request.path.replacen(endpoint, &format!("{endpoint}/{id}"), 1)))?;
    let is_the_same =
        sent.as_object().into_iter().flatten().all(|(name, value)| name == "schemas" || whole.body[name] == *value);
    Ok(if whole.status == 200 && is_the_same { Answer { status: 201, ..whole } } else { refused })
}
