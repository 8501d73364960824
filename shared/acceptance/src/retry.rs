//! All of these checks while DynamoDB fails at random: `SCIM_FAULTS` says how often. What is put off is sent again, as identity
//! providers do, and a repeat finds what the request before it has done after all.

use std::cell::Cell;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, Request, encode};
use crate::expect::Answer;
use crate::server::skipped;

/// How often a request is sent again, and when.
const REPEATS: usize = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// How often a check of bulk requests is made anew.
const ROUNDS: usize = 5;

thread_local! {
    /// Whether an operation of a bulk request was put off since a check began.
    static IS_PUT_OFF: Cell<bool> = const { Cell::new(false) };
}

/// Of a hundred calls of DynamoDB, so many are to fail.
pub(crate) fn rate_of_faults() -> Option<f64> {
    env::var("SCIM_FAULTS").ok().map(|rate| rate.parse().expect("SCIM_FAULTS is a number"))
}

/// Whether this run may count what is called, or look at a single answer of many; if not, says that `test` is left out.
pub(crate) fn may_count(test: &str) -> bool {
    let may = rate_of_faults().is_none();
    if !may {
        skipped(test, "it counts calls, and SCIM_FAULTS is set");
    }
    may
}

/// Sends a request until it is not put off.
pub(crate) fn send(client: &Client, request: &Request) -> Result<Answer, ureq::Error> {
    let mut is_open = false;
    for _ in 0..REPEATS {
        let answer = client.try_send(request)?;
        match (request.method, answer.status) {
            (_, 429) => {}
            (_, 503) => is_open = true,
            ("DELETE", 404) if is_open => {
                return Ok(Answer { status: 204, text: String::new(), body: Value::Null, ..answer });
            }
            ("POST", 409) if is_open => return made(client, request, answer),
            _ => {
                note_what_is_put_off(&answer);
                return Ok(answer);
            }
        }
        thread::sleep(PAUSE);
    }
    client.try_send(request)
}

/// Makes a check, and makes it anew if it fails where an operation of a bulk request was put off: what was done beside it stays done, so
/// that the request cannot be sent again.
pub(crate) fn afresh(check: impl Fn()) {
    for round in 1.. {
        IS_PUT_OFF.set(false);
        match catch_unwind(AssertUnwindSafe(&check)) {
            Ok(()) => return,
            Err(_) if IS_PUT_OFF.get() && round < ROUNDS => {}
            Err(failure) => resume_unwind(failure),
        }
    }
}

/// What a circle has made and could not take back tells of a delete that was put off.
fn note_what_is_put_off(answer: &Answer) {
    let is_put_off = |report: &Value| {
        let detail = report["response"]["detail"].as_str().unwrap_or_default();
        ["503", "429"].iter().any(|status| report["status"] == *status) || detail.contains("could not be deleted again")
    };
    if answer.body["Operations"].as_array().into_iter().flatten().any(is_put_off) {
        IS_PUT_OFF.set(true);
    }
}

/// What a create without an answer has made, if it is that which stands in the way of its repeat.
fn made(client: &Client, request: &Request, refused: Answer) -> Result<Answer, ureq::Error> {
    let sent: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let name = if request.path.starts_with("/Users") { "userName" } else { "displayName" };
    let endpoint = request.path.split('?').next().unwrap_or_default();
    let found = send(
        client,
        &Request::new("GET", format!("{endpoint}?filter={}", encode(&format!("{name} eq {}", sent[name])))),
    )?;
    let Some(id) = found.body["Resources"][0]["id"].as_str() else { return Ok(refused) };
    let whole = send(client, &Request::new("GET", request.path.replacen(endpoint, &format!("{endpoint}/{id}"), 1)))?;
    let is_ours =
        sent.as_object().into_iter().flatten().all(|(name, value)| name == "schemas" || whole.body[name] == *value);
    Ok(if whole.status == 200 && is_ours { Answer { status: 201, ..whole } } else { refused })
}
