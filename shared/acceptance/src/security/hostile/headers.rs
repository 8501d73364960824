//! What a client says of where it called, and what it would like to write into a log: neither is believed (RFC 7644 §3.3, RFC 9110
//! §7.2, §10.2.2).

use serde_json::{Value, json};

use crate::client::{PATCH, Request, encode};
use crate::http::{Raw, exchange};
use crate::server::{Server, may_spawn, unique};

/// Creates a user by a request with these lines in its head, `Host` among them.
fn create(server: &Server, target: &str, lines: &str) -> Raw {
    let base = server.client().base;
    let host = base.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let body = json!({ "userName": unique("smuggled") }).to_string();
    let host_line = if lines.starts_with("Host: ") { String::new() } else { format!("Host: {host}\r\n") };
    let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
    let (token, length) = (server.token(), body.len());
    let head = format!(
        "POST {target} HTTP/1.1\r\n{host_line}Connection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    exchange(host, format!("{head}{body}").as_bytes())
}

/// The URL of whoever was created is below the base URL, by HTTP or HTTPS, in the head and in the body.
fn check_location(server: &Server, answer: &Raw, lines: &str) {
    let base = server.client().base;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let rest = location.strip_prefix("https").or_else(|| location.strip_prefix("http")).unwrap_or_default();
    assert!(rest.starts_with(base.strip_prefix("http").unwrap()), "{lines}: {location}");
    assert_eq!(answer.json()["meta"]["location"], location.as_str(), "{lines}");
    assert_eq!(answer.header("x-injected"), None, "{lines}");
}

#[test]
fn a_location_is_where_the_service_is() {
    let Some(server) = Server::own("a_location_is_where_the_service_is") else { return };
    for lines in [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Host: evil.example, b.example",
        "Forwarded: host=evil.example;proto=https",
        "X-Forwarded-Server: evil.example",
        "X-Host: evil.example",
        "X-Original-Host: evil.example",
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Path: /evil",
        "X-Forwarded-Port: 666",
        "X-Forwarded-Proto: evil://evil.example/?",
        "X-Forwarded-Proto: http, evil",
        "X-Forwarded-Proto: javascript",
        "Referer: http://evil.example/",
        "Origin: http://evil.example",
    ] {
        let answer = create(&server, "/scim/v2/Users", lines);
        assert_eq!(answer.status, 201, "{lines}");
        check_location(&server, &answer, lines);
    }
    let answer = create(&server, "http://evil.example/scim/v2/Users", "");
    assert_eq!(answer.status, 201);
    check_location(&server, &answer, "a target with a host");
}

#[test]
fn a_host_that_is_none_stands_in_no_location() {
    let Some(server) = Server::own("a_host_that_is_none_stands_in_no_location") else { return };
    for host in [
        "evil.example/scim",
        "evil.example/../x",
        "user@evil.example",
        "user:secret@127.0.0.1",
        "evil.example?x",
        "evil.example#x",
        "evil example",
        "evil.example\\x",
        "evil.example%0d%0aX-Injected:%201",
        "evil.example%2Fx",
        "evil.example\rX-Injected: 1",
        "evil.example\r\n X-Injected: 1",
        "evil.example\"",
        "evil.example<x>",
        "evil.example:x",
        "evil.example:1:2",
        "evil.example:99999",
        "1.2.3.400",
        "[x]",
        ":80",
        "[::1",
        "évil.example",
        "",
    ] {
        let answer = create(&server, "/scim/v2/Users", &format!("Host: {host}"));
        match answer.status {
            201 => check_location(&server, &answer, host),
            status => assert_eq!(status, 400, "{host}"),
        }
    }
    // A second line in a head is a line of its own and no part of an answer.
    let answer = create(&server, "/scim/v2/Users", "X-Note: a\r\nX-Injected: 1");
    check_location(&server, &answer, "two lines");
}

const HUSH: &str = "hush";

/// What would be a line of its own, and of a terminal the first one, with a word by which it is found.
fn line() -> String {
    let word = unique(HUSH);
    format!("{word}\r\n{{\"level\":\"ERROR\",\"message\":\"{word}\"}}\n\u{1b}[2J\u{85}\u{2028}{word}")
}

/// The same without what cannot stand in a header.
fn header() -> String {
    format!("{{\"level\":\"ERROR\",\"message\":\"{}\"}}", unique(HUSH))
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

/// What can be asked for, with a line in each part of the URL.
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

fn requests(user: &str) -> Vec<Request> {
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

/// Each request is told by one line of the gateway's, and what the functions say is JSON by themselves: nothing that was sent is in
/// any line, and no line is anybody else's.
#[test]
fn no_client_writes_a_line_of_the_log() {
    if !may_spawn("no_client_writes_a_line_of_the_log") {
        return;
    }
    let server = Server::loud(&unique("t"));
    let scim = server.client();
    let user = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("logged") })).expect(201).id());
    server.said();
    let requests = requests(&user);
    for request in &requests {
        let answer = scim.send(request);
        answer.check(answer.status < 500, "wanted an answer or a refusal");
    }
    let (mut told, mut lines) = (0, 0);
    for line in server.said() {
        assert!(!line.contains(HUSH) && !line.chars().any(char::is_control), "{line:?}");
        if let Some(said) = serde_json::from_str::<Value>(&line).ok().filter(Value::is_object) {
            assert!(said["level"] != "ERROR" && said["level"].is_string() && said["target"].is_string(), "{line}");
            lines += 1;
        } else {
            let target = line.split_whitespace().nth(1).unwrap_or_default();
            assert!(target.starts_with("/scim/v2") && line.contains(" DynamoDB call"), "{line}");
            told += 1;
        }
    }
    assert_eq!(told, requests.len());
    assert!(lines > requests.len(), "the functions' own lines");
}
