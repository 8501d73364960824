//! Checks that no `Location` contains a host that a header names (RFC 7644 §3.3, RFC 9110 §7.2, §10.2.2).

use serde_json::json;

use crate::raw::{RawAnswer, exchange, host_and_root};
use crate::target::{Target, unique};

checks![
    location_ignores_forwarding_headers: PlainHttp,
    location_never_contains_an_invalid_host: PlainHttp,
];

/// Creates a user by a request with these header lines, which may include `Host`.
fn create(target: &Target, url: &str, lines: &str) -> RawAnswer {
    let (host, _) = host_and_root(target);
    let body = json!({ "userName": unique("smuggled") }).to_string();
    let host_line = if lines.starts_with("Host: ") { String::new() } else { format!("Host: {host}\r\n") };
    let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
    let token = &target.token;
    let length = body.len();
    let head = format!(
        "POST {url} HTTP/1.1\r\n{host_line}Connection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    exchange(host, format!("{head}{body}").as_bytes(), target.timeout)
}

/// Checks that the URL of the new user in the header and in the body is below the base URL, with HTTP or HTTPS.
fn check_location(target: &Target, answer: &RawAnswer, lines: &str) {
    let base = &target.base_url;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let rest = location.strip_prefix("https").or_else(|| location.strip_prefix("http")).unwrap_or_default();
    assert!(rest.starts_with(base.strip_prefix("http").unwrap()), "{lines}: {location}");
    assert_eq!(answer.json()["meta"]["location"], location.as_str(), "{lines}");
    assert_eq!(answer.header("x-injected"), None, "{lines}");
}

fn location_ignores_forwarding_headers(target: &Target) {
    let users = format!("/{}/Users", host_and_root(target).1);
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
        let answer = create(target, &users, lines);
        assert_eq!(answer.status, 201, "{lines}");
        check_location(target, &answer, lines);
    }
    let answer = create(target, &format!("http://evil.example{users}"), "");
    assert_eq!(answer.status, 201);
    check_location(target, &answer, "a request target with a host");
}

fn location_never_contains_an_invalid_host(target: &Target) {
    let users = format!("/{}/Users", host_and_root(target).1);
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
        let answer = create(target, &users, &format!("Host: {host}"));
        match answer.status {
            201 => check_location(target, &answer, host),
            status => assert_eq!(status, 400, "{host}"),
        }
    }
    // A second header line must not appear in the response.
    let answer = create(target, &users, "X-Note: a\r\nX-Injected: 1");
    check_location(target, &answer, "two lines");
}
