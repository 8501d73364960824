//! Checks of HTTP itself (RFC 9110): HEAD, OPTIONS, content negotiation, compression, repeated headers, and the
//! encoding of URLs. Most of these requests are written to a socket, because a client library would normalise them.

use serde_json::{Value, json};

use crate::raw::send;
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    me_returns_501_with_the_reason,
    head_and_trace_of_me_return_501_and_405: PlainHttp,
    head_is_get_without_the_body: PlainHttp,
    options_lists_the_methods_of_a_path: PlainHttp,
    url_is_decoded_as_in_rfc_3986: PlainHttp,
    media_type_is_negotiated: PlainHttp,
    body_is_read_as_its_headers_declare: PlainHttp,
    repeated_header_is_combined_or_rejected: PlainHttp,
    answer_is_compressed_on_request: PlainHttp,
    openapi_document_needs_no_token,
];

fn me_returns_501_with_the_reason(target: &Target) {
    let scim = target.client();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let request = Request::new(method, "/Me");
        let request = if ["GET", "DELETE"].contains(&method) { request } else { request.json(&json!({})) };
        scim.send(&request).expect_error(501, "", &["token"]);
    }
    scim.get("/Me/x").expect_error(404, "", &[]);
}

fn head_and_trace_of_me_return_501_and_405(target: &Target) {
    let head = send(target, "HEAD", "/Me", &[], b"");
    assert_eq!((head.status, head.body.len()), (501, 0));
    assert_eq!(send(target, "TRACE", "/Me", &[], b"").status, 405);
}

fn head_is_get_without_the_body(target: &Target) {
    let scim = target.client();
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
        let get = send(target, "GET", path, &[], b"");
        let head = send(target, "HEAD", path, &[], b"");
        let status = if path == "/nowhere" { 404 } else { get.status };
        assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
        // `Content-Length` is that of GET, or missing (RFC 9110 §8.6).
        let lengths = (head.header("content-length"), get.header("content-length"));
        assert!(status != get.status || lengths.0.is_none() || lengths.0 == lengths.1, "{path} {lengths:?}");
        for name in ["content-type", "etag", "location", "vary", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

fn options_lists_the_methods_of_a_path(target: &Target) {
    for (path, expect) in [
        ("/Users", Some("GET, POST, HEAD, OPTIONS")),
        ("/Groups/x", Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS")),
        ("/Schemas", Some("GET, HEAD, OPTIONS")),
        ("/Me", Some("GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")),
        ("/nowhere", None),
    ] {
        let answer = send(target, "OPTIONS", path, &[], b"");
        assert_eq!(answer.status, if expect.is_some() { 204 } else { 404 }, "{path}");
        assert_eq!(answer.header("allow"), expect, "{path}");
    }
}

fn url_is_decoded_as_in_rfc_3986(target: &Target) {
    let scim = target.client();
    let name = unique("a+b ");
    let id = scim.post("/Users", &json!({ "userName": format!("{name}c") })).expect(201).id();
    let plus = name.replace('+', "%2B");
    for (query, found) in [
        (format!("filter=userName+eq+%22{}c%22", plus.replace(' ', "+")), 1),
        (format!("filter=userName%20eq%20%22{}c%22", plus.replace(' ', "%20")), 1),
        (format!("filter=userName%20eq%20%22{}c%22&", plus.replace(' ', "%20")), 1),
        (format!("&filter=userName%20eq%20%22{}c%22&&", plus.replace(' ', "+")), 1),
        // A plus sign stands for a space.
        (format!("filter=userName%20eq%20%22{}c%22", name.replace(' ', "%20")), 0),
        (format!("filter=%75serName%20eq%20%22{}c%22", plus.replace(' ', "%20")), 1),
    ] {
        let answer = send(target, "GET", &format!("/Users?{query}"), &[], b"");
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
        // Names of parameters are case-sensitive. A server that ignored one would respond to another query.
        ("/Users?Count=1", 400),
        ("/Users?FILTER=x", 400),
        ("/Users?count=1&count=2", 400),
        ("/users", 404),
        ("//Users", 404),
    ] {
        assert_eq!(send(target, "GET", path, &[], b"").status, status, "{path}");
    }
}

fn media_type_is_negotiated(target: &Target) {
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
        let answer = send(target, "GET", "/Users", &headers, b"");
        assert_eq!(answer.status, if expect.is_some() { 200 } else { 406 }, "{accept}");
        assert_eq!(answer.header("content-type"), Some(expect.unwrap_or("application/scim+json")), "{accept}");
    }
    // The service makes no change if the client does not accept the media type of the response.
    let name = unique("unacceptable");
    let body = json!({ "userName": name }).to_string();
    let headers = [("Accept", "text/html"), ("Content-Type", "application/scim+json")];
    assert_eq!(send(target, "POST", "/Users", &headers, body.as_bytes()).status, 406);
    assert!(target.client().find("/Users", &format!("userName eq \"{name}\"")).is_empty());
}

fn body_is_read_as_its_headers_declare(target: &Target) {
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
        // The gateway passes bytes on unchanged, so the client itself sent this U+FFFD.
        (&[("Content-Type", "application/json")], marked, 201),
    ] {
        let answer = send(target, "POST", "/Users", headers, &body);
        assert_eq!(answer.status, status, "{headers:?} {}", String::from_utf8_lossy(&answer.body));
    }
}

/// RFC 9110 §5.3: several lines of a list header are one list; other headers may have only one line.
fn repeated_header_is_combined_or_rejected(target: &Target) {
    let scim = target.client();
    let path = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("lines") })).expect(201).id());
    let body = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }).to_string();
    let typed = ("Content-Type", "application/scim+json");
    let again = format!("Bearer {}", target.token);
    let now = ("If-Match", "W/\"1\"");
    let other = ("If-Match", "W/\"7\"");
    for (headers, status) in [
        (&[typed, other, ("If-Match", "W/\"8\"")][..], 412),
        (&[typed, ("Authorization", again.as_str())], 401),
        (&[typed, now, other], 200),
    ] {
        let answer = send(target, "PATCH", &path, headers, body.as_bytes());
        assert_eq!(answer.status, status, "{headers:?} {}", String::from_utf8_lossy(&answer.body));
    }
    for schemas in [("schemas", "SCHEMAS"), ("Schemas", "schemas")] {
        let body = json!({ schemas.0: [], schemas.1: [crate::client::USER], "userName": unique("twice") });
        scim.post("/Users", &body).expect_error(400, "invalidValue|invalidSyntax", &["schemas", "once"]);
    }
}

fn answer_is_compressed_on_request(target: &Target) {
    for (coding, path, expect) in [
        ("gzip", "/Schemas", Some("gzip")),
        ("gzip,deflate", "/openapi.json", Some("gzip")),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "/Schemas", Some("gzip")),
        ("*", "/Schemas", Some("gzip")),
        ("gzip;q=0", "/Schemas", None),
        ("identity", "/Schemas", None),
        // The response is too short to be compressed.
        ("gzip", "/Users/nobody", None),
    ] {
        let answer = send(target, "GET", path, &[("Accept-Encoding", coding)], b"");
        assert_eq!(answer.header("content-encoding"), expect, "{coding} {path}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"), "{coding} {path}");
        match expect {
            Some(_) => assert_eq!(answer.body[..2], [0x1f, 0x8b], "{coding} {path}"),
            None => assert!(answer.json().is_object()),
        }
    }
    // A client that decompresses can read the response.
    let request = Request::new("GET", "/Schemas").header("Accept-Encoding", "gzip");
    let answer = target.client().send(&request).expect(200);
    assert!(answer.resources().len() >= 3);
}

fn openapi_document_needs_no_token(target: &Target) {
    let scim = target.client();
    for authorization in [None, Some("Bearer nonsense")] {
        let answer = scim.with_authorization(authorization).get("/openapi.json");
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let document: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["servers"], json!([{ "url": scim.base() }]));
        for path in ["/Users", "/Users/{id}", "/Groups", "/Groups/{id}", "/ServiceProviderConfig"] {
            assert!(document["paths"][path]["get"]["responses"]["200"].is_object(), "{path}");
        }
    }
    // All other requests to this path need a token.
    scim.with_authorization(None).send(&Request::new("DELETE", "/openapi.json")).expect_error(401, "", &[]);
    scim.delete("/openapi.json").expect_error(405, "", &[]);
}
