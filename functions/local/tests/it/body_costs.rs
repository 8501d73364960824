//! Bodies that try to cost more than their size: the service rejects each within ten times the time of a plain body
//! of the same length plus two seconds, and without more memory than a function has (RFC 7644 §3.12, §3.7.4).

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::server::Server;
use acceptance::request::Request;
use acceptance::security::timing::no_slower;
use acceptance::unique;

/// The memory of a function in MB, and a quarter more, because this process also contains the gateway and the
/// engine.
const MEMORY: u64 = 256 + 64;
const MB: usize = 1024 * 1024;

/// A body of at most `length` bytes: `before`, as many repetitions of `element` as fit, and `after`.
fn filled(length: usize, before: &str, element: &str, after: &str) -> Vec<u8> {
    let count = (length - before.len() - after.len()) / (element.len() + 1);
    repeated(count, before, element, after)
}

fn repeated(count: usize, before: &str, element: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{after}", vec![element; count].join(",")).into_bytes()
}

fn nested(times: usize, open: &str, close: &str) -> Vec<u8> {
    format!("{{\"userName\":\"a\",\"x\":{}1{}}}", open.repeat(times), close.repeat(times)).into_bytes()
}

/// The name of the body, the request, the expected status and `scimType`, and a part of the expected detail.
type Case = (&'static str, Request, u16, &'static str, &'static str);

/// Bodies that the service rejects before it interprets their JSON.
fn uninterpreted() -> Vec<Case> {
    let user = "{\"userName\":\"a\",\"x\":[";
    let values = "220000 values";
    let post = |body: Vec<u8>| Request::new("POST", "/Users").bytes(body);
    let search = |body: Vec<u8>| Request::new("POST", "/.search").bytes(body);
    let list = |element: &str| post(filled(5 * MB, user, element, "]}"));
    vec![
        ("6 MB", post(filled(6 * MB, user, "\"aaaaaaaaaaaaaaaa\"", "]}")), 413, "", "5 MB"),
        ("11 MB", post(filled(11 * MB, user, "\"aaaaaaaaaaaaaaaa\"", "]}")), 413, "", "5 MB"),
        ("a million arrays in each other", post(nested(1_000_000, "[", "]")), 400, "invalidSyntax", "recursion limit"),
        (
            "800,000 objects in each other",
            post(nested(800_000, "{\"\":", "}")),
            400,
            "invalidSyntax",
            "recursion limit",
        ),
        ("2,600,000 numbers", list("1"), 413, "", values),
        ("1,300,000 arrays", list("[1]"), 413, "", values),
        ("arrays in arrays in arrays", list("[[[1]]]"), 413, "", values),
        ("700,000 objects", list("{\"\":0}"), 413, "", values),
        ("a million texts in a search", search(filled(5 * MB, "{\"attributes\":[", "\"id\"", "]}")), 413, "", values),
    ]
}

/// Bodies of valid JSON within the size limit that exceed another limit.
fn oversized(user: &str) -> Vec<Case> {
    let new = |method, path: &str, body: Vec<u8>| Request::new(method, path).bytes(body);
    let emails = repeated(109_000, "{\"userName\":\"a\",\"emails\":[", "{\"value\":\"a\"}", "]}");
    let schemas = repeated(215_000, "{\"schemas\":[", "\"a\"", "]}");
    let remove = repeated(100_000, "{\"Operations\":[", "{\"op\":\"remove\"}", "]}");
    let delete = repeated(100_000, "{\"Operations\":[", "{\"method\":\"DELETE\"}", "]}");
    let patch = repeated(
        109_000,
        "{\"Operations\":[{\"op\":\"add\",\"path\":\"emails\",\"value\":[",
        "{\"value\":\"a\"}",
        "]}]}",
    );
    let names: Vec<String> = (0..215_000).map(|number| format!("\"{number}\":0")).collect();
    let names = format!("{{{}}}", names.join(",")).into_bytes();
    vec![
        ("100,000 operations", new("PATCH", user, remove.clone()), 413, "", "100000 operations; at most 1000"),
        (
            "100,000 operations on a group",
            new("PATCH", "/Groups/x", remove),
            413,
            "",
            "100000 operations; at most 1000",
        ),
        ("100,000 bulk operations", new("POST", "/Bulk", delete), 413, "", "maxOperations (1000)"),
        ("109,000 e-mail addresses", new("POST", "/Users", emails), 413, "", "399 KB"),
        ("109,000 e-mail addresses by PATCH", new("PATCH", user, patch), 413, "", "1000"),
        ("215,000 names", new("POST", "/Users", names), 400, "invalidValue", "userName"),
        ("215,000 schemas", new("POST", "/Users", schemas), 400, "invalidValue", "userName"),
    ]
}

#[test]
fn expensive_bodies_cost_no_more_than_plain_ones() {
    let server = Server::in_memory();
    check(&server, uninterpreted());
    check_unchanged(&server, 0);
}

#[test]
fn bodies_of_too_many_parts_cost_no_more_than_plain_ones() {
    let server = Server::in_memory();
    let scim = server.client();
    let made = scim.post("/Users", &json!({ "userName": "kept" })).expect(201);
    let path = format!("/Users/{}", made.id());
    check(&server, oversized(&path));
    check_unchanged(&server, 1);
    assert_eq!(scim.get(path).expect(200).body, made.body);
}

fn check(server: &Server, cases: Vec<Case>) {
    let scim = server.client();
    for (what, request, status, scim_type, says) in cases {
        let plain = plain(request.body.as_ref().map_or(0, Vec::len));
        let answer = no_slower(what, || scim.send(&request), || scim.send(&plain));
        answer.expect_error(status, scim_type, &[says]);
    }
}

/// A body of this length that contains only members, like a large group. The service reads it and rejects it,
/// because it has no `userName`.
fn plain(length: usize) -> Request {
    let member = format!("{{\"value\":\"{}\"}}", uuid::Uuid::nil());
    Request::new("POST", "/Users").bytes(filled(length.clamp(100, 5 * MB), "{\"members\":[", &member, "]}"))
}

/// Checks that there are this many users and no groups, and that the peak memory of the server is below `MEMORY`.
fn check_unchanged(server: &Server, users: u64) {
    let scim = server.client();
    for (path, count) in [("/Users?count=0", users), ("/Groups?count=0", 0)] {
        assert_eq!(scim.get(path).expect(200).total(), count, "{path}");
    }
    if let Some(peak) = server.peak_memory_mb() {
        let _ = writeln!(std::io::stderr(), "hostile: {peak} MB at the most");
        assert!(peak < MEMORY, "{peak} MB");
    }
}

/// RFC 9110 §15.5.16: the service rejects a compressed body by its header, so that it unpacks nothing.
#[test]
fn compressed_body_returns_415_without_being_unpacked() {
    let server = Server::in_memory();
    let scim = server.client();
    let pack = |text: &[u8], times: usize| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        (0..times).for_each(|_| packed.write_all(text).unwrap());
        packed.finish().unwrap()
    };
    let user = pack(json!({ "userName": unique("packed") }).to_string().as_bytes(), 1);
    let bomb = pack(&vec![b' '; MB], 400);
    for body in [user, bomb] {
        for coding in ["gzip", "GZIP", "x-gzip", "deflate", "br", "identity, gzip", "gzip, gzip"] {
            let request = Request::new("POST", "/Users").bytes(body.clone()).header("Content-Encoding", coding);
            let plain = plain(body.len());
            let answer = no_slower(coding, || scim.send(&request), || scim.send(&plain));
            answer.expect_error(415, "", &["compressed", "without Content-Encoding"]);
        }
        // Without the header, the compressed bytes are not valid UTF-8.
        scim.send(&Request::new("POST", "/Users").bytes(body)).expect_error(400, "invalidSyntax", &["UTF-8"]);
    }
    check_unchanged(&server, 0);
}
