//! Sends bulk requests, and reads their responses (RFC 7644 §3.7).

pub(crate) mod limits;
pub(crate) mod operations;
pub(crate) mod order;

use serde_json::{Value, json};

use crate::answer::{Answer, contains};
use crate::client::{Client, GROUP, USER};

/// The schema of a bulk request.
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Sends operations in one request.
#[track_caller]
pub fn send(scim: &Client, operations: &Value) -> Answer {
    scim.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations }))
}

/// The reports of a bulk response, each of which must have the members that RFC 7644 §3.7.3 requires.
///
/// # Panics
///
/// If a report lacks one of them.
#[must_use]
#[track_caller]
pub fn reports(answer: &Answer) -> Vec<Value> {
    let response = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"] });
    answer.check(contains(&answer.body, &response), "expected a BulkResponse");
    let reports = answer["Operations"].as_array().cloned().unwrap_or_default();
    for report in &reports {
        let status: u16 = report["status"].as_str().and_then(|status| status.parse().ok()).unwrap_or_default();
        let failed = status >= 400;
        answer.check(status >= 200, &format!("expected a status as a string: {report}"));
        answer.check(
            report.get("response").is_some() == failed,
            &format!("expected a response for errors only: {report}"),
        );
        if failed {
            let error = json!({ "schemas": [ERROR], "status": report["status"], "detail": "*" });
            answer.check(contains(&report["response"], &error), &format!("expected an error: {report}"));
        }
        let located = report["location"].as_str().is_some_and(|url| url.starts_with("http"));
        let expected = !(failed && (report["method"] == "POST" || report["method"].is_null()));
        answer.check(located == expected, &format!("expected a location, except of a failed POST: {report}"));
    }
    reports
}

/// The statuses of the reports, separated by spaces.
///
/// # Panics
///
/// If [`reports`] panics.
#[must_use]
#[track_caller]
pub fn statuses(answer: &Answer) -> String {
    let statuses: Vec<String> =
        reports(answer).iter().map(|report| report["status"].as_str().unwrap().to_owned()).collect();
    statuses.join(" ")
}

/// Sends operations, expects these statuses, and returns the reports.
///
/// # Panics
///
/// If the statuses differ.
#[track_caller]
pub fn check(scim: &Client, operations: &Value, expect: &str) -> Vec<Value> {
    let answer = send(scim, operations).expect(200);
    let got = statuses(&answer);
    answer.check(got == expect, &format!("expected the statuses {}, not {}", counted(expect), counted(&got)));
    reports(&answer)
}

/// Shortens a list of statuses by counting repetitions: `201 ×900, 409 ×30`.
fn counted(statuses: &str) -> String {
    let statuses: Vec<&str> = statuses.split(' ').collect();
    let runs = statuses.chunk_by(|one, next| one == next);
    let texts: Vec<String> =
        runs.map(|run| if run.len() == 1 { run[0].to_owned() } else { format!("{} ×{}", run[0], run.len()) }).collect();
    texts.join(", ")
}

/// The path, below the base URL, of the resource that a report is about.
///
/// # Panics
///
/// If the report has no location below the base URL.
#[must_use]
#[track_caller]
pub fn path(scim: &Client, report: &Value) -> String {
    let location = report["location"].as_str().unwrap_or_default();
    location.strip_prefix(scim.base()).unwrap_or_else(|| panic!("{report} is not below {}", scim.base())).to_owned()
}

/// The id of the resource that a report is about.
#[must_use]
#[track_caller]
pub fn id(scim: &Client, report: &Value) -> String {
    path(scim, report).rsplit('/').next().unwrap().to_owned()
}

/// An operation that creates a user with only a name.
#[must_use]
pub fn user(bulk_id: &str, name: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "schemas": [USER], "userName": name } })
}

/// An operation that creates a group whose members are references to other operations.
#[must_use]
pub fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|one| json!({ "value": format!("bulkId:{one}") })).collect();
    let data = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
}

/// An operation that deletes a resource.
#[must_use]
pub fn delete(path: &str) -> Value {
    json!({ "method": "DELETE", "path": path })
}
