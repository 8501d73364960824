//! Repeats requests that a server defers with 429 or 503, as identity providers do, so that checks can run against
//! a server that is throttled or injects faults. A repeat takes into account that an earlier attempt may have
//! succeeded although its response was lost.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value does not have reads as null")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::connection::HttpConnection;
use crate::request::{Request, encode};

/// The most times that a request is repeated.
const MAX_REPEATS: usize = 40;
/// How long to wait before each repeat.
const PAUSE: Duration = Duration::from_millis(50);

/// The most times that a check runs in which operations of bulk requests are deferred.
const MAX_ROUNDS: usize = 5;

thread_local! {
    /// Whether an operation of a bulk request has been deferred since the check began.
    static IS_DEFERRED: Cell<bool> = const { Cell::new(false) };
}

/// Sends a request until the server does not defer it.
pub(crate) fn send(connection: &HttpConnection, request: &Request) -> Result<Answer, ureq::Error> {
    let mut may_have_succeeded = false;
    for _ in 0..MAX_REPEATS {
        let answer = connection.send(request)?;
        match (request.method, answer.status) {
            (_, 429) => {}
            (_, 503) => may_have_succeeded = true,
            ("DELETE", 404) if may_have_succeeded => {
                return Ok(Answer { status: 204, text: String::new(), body: Value::Null, ..answer });
            }
            ("POST", 409) if may_have_succeeded => return created(connection, request, answer),
            _ => {
                record_deferred_operations(&answer);
                return Ok(answer);
            }
        }
        thread::sleep(PAUSE);
    }
    connection.send(request)
}

/// Runs a check, and runs it again if it fails after an operation of a bulk request was deferred. The other
/// operations of that request have been done, so the request itself cannot be repeated.
///
/// # Panics
///
/// If the check panics in the last round, or without a deferred operation.
pub fn repeat_if_deferred(check: impl Fn()) {
    for round in 1.. {
        IS_DEFERRED.set(false);
        match catch_unwind(AssertUnwindSafe(&check)) {
            Ok(()) => return,
            Err(_) if IS_DEFERRED.get() && round < MAX_ROUNDS => {}
            Err(failure) => resume_unwind(failure),
        }
    }
}

/// Records whether an operation of a bulk request was deferred. Resources of a cycle that the server could not
/// delete again count too, because their delete was deferred.
fn record_deferred_operations(answer: &Answer) {
    let is_deferred = |report: &Value| {
        let detail = report["response"]["detail"].as_str().unwrap_or_default();
        ["503", "429"].iter().any(|status| report["status"] == *status) || detail.contains("could not be deleted again")
    };
    if answer.body["Operations"].as_array().into_iter().flatten().any(is_deferred) {
        IS_DEFERRED.set(true);
    }
}

/// Returns the resource that a create without a response has created, if the repeat conflicts with that resource;
/// otherwise returns the error response.
fn created(connection: &HttpConnection, request: &Request, refused: Answer) -> Result<Answer, ureq::Error> {
    let sent: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let name = if request.path.starts_with("/Users") { "userName" } else { "displayName" };
    let endpoint = request.path.split('?').next().unwrap_or_default();
    let found = send(
        connection,
        &Request::new("GET", format!("{endpoint}?filter={}", encode(&format!("{name} eq {}", sent[name])))),
    )?;
    let Some(id) = found.body["Resources"][0]["id"].as_str() else { return Ok(refused) };
    let whole =
        send(connection, &Request::new("GET", request.path.replacen(endpoint, &format!("{endpoint}/{id}"), 1)))?;
    let is_the_same = whole.status == 200 && has_what_it_stores(&whole.body, &sent);
    Ok(if is_the_same { Answer { status: 201, ..whole } } else { refused })
}

/// Whether a resource has the values that were sent, except for those that the server does not store, such as a
/// password, an empty string or an attribute that no schema has.
fn has_what_it_stores(stored: &Value, sent: &Value) -> bool {
    match (stored, sent) {
        (Value::Object(stored), Value::Object(sent)) => sent.iter().all(|(name, sent)| {
            name == "schemas" || stored.get(name).is_none_or(|stored| has_what_it_stores(stored, sent))
        }),
        (Value::Array(stored), Value::Array(sent)) => {
            stored.len() == sent.len() && stored.iter().zip(sent).all(|(stored, sent)| has_what_it_stores(stored, sent))
        }
        (stored, sent) => stored == sent,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn created_resource_is_recognised_without_the_values_that_are_not_stored() {
        let stored = json!({
            "schemas": ["urn:example:stored"], "id": "1", "userName": "ada", "name": { "givenName": "Ada" },
            "emails": [{ "value": "ada@a.example", "type": "work" }],
        });
        for (sent, expect) in [
            (json!({ "schemas": ["urn:example:sent"], "userName": "ada", "password": "secret", "groups": [] }), true),
            (json!({ "userName": "ada", "name": { "givenName": "Ada", "familyName": "" } }), true),
            (json!({ "userName": "ada", "emails": [{ "value": "ada@a.example" }] }), true),
            (json!({ "userName": "ada", "name": { "givenName": "Eva" } }), false),
            (json!({ "userName": "ada", "emails": [] }), false),
            (json!({ "userName": "ada", "emails": [{ "value": "eva@a.example" }] }), false),
        ] {
            assert_eq!(has_what_it_stores(&stored, &sent), expect, "{sent}");
        }
    }
}
