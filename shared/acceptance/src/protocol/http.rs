//! HTTP itself (RFC 9110), byte by byte: HEAD, OPTIONS, content negotiation, compression, and what stands in a URL. These
//! requests are written to the socket as they are here, as a client library would tidy them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Request;
use crate::server::{Server, unique};

/// What came back.
pub(crate) struct Raw {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON behind {}", self.head))
    }
}

/// Sends one request; `None` against a server behind TLS.
pub(crate) fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Raw> {
    let base = server.client().base;
    let (host, root) = base.strip_prefix("http://")?.split_once('/')?;
    let mut head = format!("{method} /{root}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    head += &format!("Authorization: Bearer {}\r\n", server.token());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    Some(exchange(host, &[head.as_bytes(), body].concat()))
}

/// Sends these bytes to a host, which is to close the connection behind its answer.
pub(crate) fn exchange(host: &str, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Raw { status, head, body: answer[end..].to_vec() }
}

#[test]
fn me_is_not_implemented_and_says_why() {
    let server = Server::start();
    let scim = server.client();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let request = Request::new(method, "/Me");
        let request = if ["GET", "DELETE"].contains(&method) { request } else { request.json(&json!({})) };
        scim.send(&request).refused(501, "", &["token"]);
    }
    if let Some(head) = send(&server, "HEAD", "/Me", &[], b"") {
        assert_eq!((head.status, head.body.len()), (501, 0));
    }
    if let Some(trace) = send(&server, "TRACE", "/Me", &[], b"") {
        assert_eq!(trace.status, 405);
    }
    scim.get("/Me/x").refused(404, "", &[]);
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    let scim = server.client();
    let user = scim.post("/Users", &json!({ "userName": unique("head") })).expect(201).id();
    let group = scim.post("/Groups", &json!({ "displayName": unique("head") })).expect(201).id();
    for path in [
        "/Users",
        &format!("/Users/{user}"),
        "/Users/nobody",
        "/Users?filter=bad",
        "/Groups?count=1",
        &format!("/Groups/{group}"),
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "/openapi.json",
        "/nowhere",
    ] {
        let Some(get) = send(&server, "GET", path, &[], b"") else { return };
        let head = send(&server, "HEAD", path, &[], b"").unwrap();
        let status = if path == "/nowhere" { 404 } else { get.status };
        assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
        for name in ["content-type", "etag", "location", "vary", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[test]
fn options_says_what_a_path_takes() {
    let server = Server::start();
    for (path, expect) in [
        ("/Users", Some("GET, POST, HEAD, OPTIONS")),
        ("/Groups/x", Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS")),
        ("/Schemas", Some("GET, HEAD, OPTIONS")),
        ("/Me", Some("GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")),
        ("/nowhere", None),
    ] {
        let Some(answer) = send(&server, "OPTIONS", path, &[], b"") else { return };
        assert_eq!(answer.status, if expect.is_some() { 204 } else { 404 }, "{path}");
        assert_eq!(answer.header("allow"), expect, "{path}");
    }
}

#[test]
fn a_url_is_read_as_the_rfcs_have_it() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("a+b ");
    let id = scim.post("/Users", &json!({ "userName": format!("{name}c") })).expect(201).id();
    let plus = name.replace('+', "%2B");
    for (query, found) in [
        (format!("filter=userName+eq+%22{}c%22", plus.replace(' ', "+")), 1),
        (format!("filter=userName%20eq%20%22{}c%22", plus.replace(' ', "%20")), 1),
        (format!("filter=userName%20eq%20%22{}c%22&", plus.replace(' ', "%20")), 1),
        (format!("&filter=userName%20eq%20%22{}c%22&&", plus.replace(' ', "+")), 1),
        // A plus sign is a space.
        (format!("filter=userName%20eq%20%22{}c%22", name.replace(' ', "%20")), 0),
        (format!("filter=%75serName%20eq%20%22{}c%22", plus.replace(' ', "%20")), 1),
    ] {
        let Some(answer) = send(&server, "GET", &format!("/Users?{query}"), &[], b"") else { return };
        assert_eq!((answer.status, &answer.json()["totalResults"]), (200, &json!(found)), "{query}");
    }
    for (path, status) in [
        ("/Users/", 200),
        ("/Users?", 200),
        ("/Users/?", 200),
        ("/Users?count=1&", 200),
        (&format!("/Users/{id}/"), 200),
        (&format!("/Users/{id}?"), 200),
        ("/Schemas/", 200),
        ("/ServiceProviderConfig/", 200),
        // Their names are case-sensitive; to pass one over would answer another question.
        ("/Users?Count=1", 400),
        ("/Users?FILTER=x", 400),
        ("/Users?count=1&count=2", 400),
        ("/users", 404),
        ("//Users", 404),
    ] {
        assert_eq!(send(&server, "GET", path, &[], b"").unwrap().status, status, "{path}");
    }
}

#[test]
fn the_media_type_is_negotiated() {
    let server = Server::start();
    for (accept, expect) in [
        ("*/*", Some("application/scim+json")),
        ("application/*", Some("application/scim+json")),
        ("application/json", Some("application/json")),
        ("application/json, application/scim+json;q=0.5", Some("application/json")),
        ("application/scim+json, application/json", Some("application/scim+json")),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Some("application/scim+json")),
        ("text/html", None),
        ("application/scim+json;q=0, application/json;q=0", None),
    ] {
        let headers = [("Accept", accept), ("Accept-Charset", "iso-8859-1")];
        let Some(answer) = send(&server, "GET", "/Users", &headers, b"") else { return };
        assert_eq!(answer.status, if expect.is_some() { 200 } else { 406 }, "{accept}");
        assert_eq!(answer.header("content-type"), Some(expect.unwrap_or("application/scim+json")), "{accept}");
    }
    // A change whose answer would not be taken is not made.
    let name = unique("unacceptable");
    let body = json!({ "userName": name }).to_string();
    let headers = [("Accept", "text/html"), ("Content-Type", "application/scim+json")];
    assert_eq!(send(&server, "POST", "/Users", &headers, body.as_bytes()).unwrap().status, 406);
    assert!(server.client().find("/Users", &format!("userName eq \"{name}\"")).is_empty());
}

#[test]
fn a_body_is_taken_as_it_was_declared() {
    let server = Server::start();
    let body = |name: &str| json!({ "userName": unique(name), "title": "x" }).to_string().into_bytes();
    let mut latin = body("latin");
    latin.push(b' ');
    let at = latin.iter().position(|byte| *byte == b'x').unwrap();
    latin[at] = 0xe9;
    let marked =
        body("marked").iter().flat_map(|byte| if *byte == b'x' { "\u{fffd}".into() } else { vec![*byte] }).collect();
    for (headers, body, status) in [
        (&[("Content-Type", "application/scim+json;profile=\"a,b\";charset=\"utf-8\"")][..], body("odd"), 201),
        (&[("Content-Type", "application/json;;")], body("odd"), 201),
        (&[], body("untyped"), 201),
        (&[("Content-Type", "application/json"), ("Content-Type", "application/scim+json")], body("twice"), 415),
        (&[("Content-Type", "application/json"), ("Content-Encoding", "identity")], body("identity"), 201),
        (&[("Content-Type", "application/json"), ("Content-Encoding", "gzip")], body("gzip"), 415),
        (&[("Content-Type", "application/json")], latin, 400),
        // Bytes reach the function as they are, so this one was sent and not lost.
        (&[("Content-Type", "application/json")], marked, 201),
    ] {
        let Some(answer) = send(&server, "POST", "/Users", headers, &body) else { return };
        assert_eq!(answer.status, status, "{headers:?} {}", String::from_utf8_lossy(&answer.body));
    }
}

/// RFC 9110 §5.3: lines of a list are one list; of other headers there is one.
#[test]
fn a_repeated_header_is_not_half_read() {
    let server = Server::start();
    let scim = server.client();
    let path = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("lines") })).expect(201).id());
    let body = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }).to_string();
    let typed = ("Content-Type", "application/scim+json");
    let again = format!("Bearer {}", server.token());
    let (now, other) = (("If-Match", "W/\"1\""), ("If-Match", "W/\"7\""));
    for (headers, status) in [
        (&[typed, other, ("If-Match", "W/\"8\"")][..], 412),
        (&[typed, ("Authorization", again.as_str())], 401),
        (&[typed, now, other], 200),
    ] {
        let Some(answer) = send(&server, "PATCH", &path, headers, body.as_bytes()) else { return };
        assert_eq!(answer.status, status, "{headers:?} {}", String::from_utf8_lossy(&answer.body));
    }
    for schemas in [("schemas", "SCHEMAS"), ("Schemas", "schemas")] {
        let body = json!({ schemas.0: [], schemas.1: [crate::client::USER], "userName": unique("twice") });
        scim.post("/Users", &body).refused(400, "invalidValue|invalidSyntax", &["schemas", "once"]);
    }
}

#[test]
fn an_answer_is_compressed_when_asked_for() {
    let server = Server::start();
    for (coding, path, expect) in [
        ("gzip", "/Schemas", Some("gzip")),
        ("gzip,deflate", "/openapi.json", Some("gzip")),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "/Schemas", Some("gzip")),
        ("*", "/Schemas", Some("gzip")),
        ("gzip;q=0", "/Schemas", None),
        ("identity", "/Schemas", None),
        // Too short to be worth it.
        ("gzip", "/Users/nobody", None),
    ] {
        let Some(answer) = send(&server, "GET", path, &[("Accept-Encoding", coding)], b"") else { return };
        assert_eq!(answer.header("content-encoding"), expect, "{coding} {path}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"), "{coding} {path}");
        match expect {
            Some(_) => assert_eq!(answer.body[..2], [0x1f, 0x8b], "{coding} {path}"),
            None => assert!(answer.json().is_object()),
        }
    }
    // Read through a client that unpacks.
    let request = Request::new("GET", "/Schemas").header("Accept-Encoding", "gzip");
    let answer = server.client().send(&request).expect(200);
    assert!(answer.resources().len() >= 3);
}

#[test]
fn the_openapi_document_needs_no_token() {
    let server = Server::start();
    let scim = server.client();
    for authorization in [None, Some("Bearer nonsense")] {
        let answer = scim.presenting(authorization).get("/openapi.json");
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let document: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["servers"], json!([{ "url": scim.base }]));
        for path in ["/Users", "/Users/{id}", "/Groups", "/Groups/{id}", "/ServiceProviderConfig"] {
            assert!(document["paths"][path]["get"]["responses"]["200"].is_object(), "{path}");
        }
    }
    // Whatever else is sent there does.
    scim.presenting(None).send(&Request::new("DELETE", "/openapi.json")).refused(401, "", &[]);
    scim.delete("/openapi.json").refused(405, "", &[]);
}
