//! Sends line breaks, control characters and log lines in every place of a request.

use serde_json::{Value, json};

use crate::client::PATCH;
use crate::request::{Request, encode};
use crate::target::{Target, unique};

checks![log_lines_in_every_place_cause_no_server_error];

/// The prefix of the word that every line contains.
pub const PREFIX: &str = "hush";

/// A text that would start another log line and clear a terminal, with a word by which a test can find it.
fn line() -> String {
    let word = unique(PREFIX);
    format!("{word}\r\n{{\"level\":\"ERROR\",\"message\":\"{word}\"}}\n\u{1b}[2J\u{85}\u{2028}{word}")
}

/// A log line without the characters that a header cannot contain.
fn header() -> String {
    format!("{{\"level\":\"ERROR\",\"message\":\"{}\"}}", unique(PREFIX))
}

fn bodies() -> Vec<(&'static str, &'static str, Value)> {
    let user = json!({ "userName": unique("logged"), "title": line(), "externalId": line(), line(): line(), "schemas": [line()],
        "emails": [{ "value": line(), "type": line(), line(): 1 }] });
    let operation = json!({ "op": "add", "path": line(), "value": line() });
    let by_name = json!({ "op": "add", "value": { line(): line(), "title": line() } });
    let patch = |operation: Value| json!({ "schemas": [PATCH, line()], "Operations": [operation], line(): 1 });
    let bulk = json!({ "Operations": [
        { "method": line(), "path": line() },
        { "method": "POST", "path": "/Users", "bulkId": line(), "data": user },
        { "method": "PATCH", "path": format!("/Users/bulkId:{}", line()), "version": line(), "data": patch(operation.clone()) },
        { "method": "POST", "path": format!("/{}", line()), "bulkId": line(), "data": {} },
    ] });
    vec![
        ("POST", "/Users", user),
        ("POST", "/Users", json!({ "userName": line() })),
        ("POST", "/Groups", json!({ "displayName": line(), "members": [{ "value": line(), "display": line() }] })),
        ("PATCH", "", patch(operation)),
        ("PATCH", "", patch(by_name)),
        ("PATCH", "", patch(json!({ "op": line(), "path": "title", "value": 1 }))),
        (
            "PATCH",
            "",
            patch(json!({ "op": "replace", "path": format!("emails[value eq {}].type", json!(line())), "value": "x" })),
        ),
        ("POST", "/Bulk", bulk),
        ("POST", "/.search", json!({ "schemas": [line()], "filter": format!("title eq {}", json!(line())) })),
        ("POST", "/.search", json!({ "filter": line(), "sortBy": line(), "attributes": [line()], line(): 1 })),
    ]
}

/// Paths with a line in each part of the URL.
fn targets() -> Vec<String> {
    let coded = || encode(&line());
    let literal = encode(&json!(line()).to_string());
    let mut all: Vec<String> = ["", "/Users", "/Users/x", "/Groups", "/Schemas", "/ResourceTypes"]
        .map(|path| format!("{path}/{}", coded()))
        .into();
    all.push(format!("/Users?{}={}", coded(), coded()));
    all.push(format!("/Users?filter=title%20eq%20{literal}"));
    let names = ["filter", "sortBy", "sortOrder", "count", "startIndex", "cursor", "attributes", "excludedAttributes"];
    all.extend(names.map(|name| format!("/Users?{name}={}", coded())));
    all
}

const HEADERS: [&str; 14] = [
    "User-Agent",
    "Accept",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "Accept-Encoding",
    "X-Request-Id",
    "X-Amzn-Trace-Id",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "Traceparent",
    "Cookie",
    "Referer",
    "Authorization",
];

/// Requests with a line in every place; some of them change the user at this path.
#[must_use]
pub fn requests(user: &str) -> Vec<Request> {
    let targets = targets();
    let mut all: Vec<Request> =
        targets.iter().flat_map(|path| ["GET", "DELETE"].map(|method| Request::new(method, path))).collect();
    for (method, path, body) in bodies() {
        all.push(Request::new(method, if path.is_empty() { user } else { path }).json(&body));
    }
    all.extend(HEADERS.map(|name| Request::new("GET", user).header(name, header())));
    let text = Request::new("POST", "/Users").bytes(line());
    all.extend(["Content-Type", "Content-Encoding"].map(|name| text.clone().header(name, header())));
    all.push(text);
    all
}

fn log_lines_in_every_place_cause_no_server_error(target: &Target) {
    let scim = target.client();
    let user = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("logged") })).expect(201).id());
    for request in requests(&user) {
        let answer = scim.send(&request);
        answer.check(answer.status < 500, "expected success or a client error");
    }
}
