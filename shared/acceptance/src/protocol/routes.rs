//! Checks of requests that no operation serves: wrong media types, bodies that are too large, unknown paths and
//! methods, and unknown ids (RFC 7644 §3.1, §3.12; RFC 9110 §15.5).

use serde_json::json;

use crate::request::Request;
use crate::target::{Target, unique};

checks![
    body_of_another_media_type_returns_415,
    json_media_types_are_accepted,
    oversized_body_returns_413,
    oversized_resource_returns_413,
    unknown_id_returns_404,
    unsupported_method_returns_405,
    unknown_path_returns_404,
];

fn body_of_another_media_type_returns_415(target: &Target) {
    let scim = target.client();
    let id = scim.post("/Users", &json!({ "userName": unique("typed") })).expect(201).id();
    for media in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
    ] {
        for (method, path) in [
            ("POST", "/Users".to_owned()),
            ("PUT", format!("/Users/{id}")),
            ("PATCH", format!("/Users/{id}")),
            ("POST", "/Groups".to_owned()),
        ] {
            let name = unique("media");
            let request = Request::new(method, path).json(&json!({ "userName": name })).header("Content-Type", media);
            scim.send(&request).expect_error(415, "", &["application/scim+json"]);
            assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
        }
    }
}

fn json_media_types_are_accepted(target: &Target) {
    let scim = target.client();
    for media in [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
    ] {
        let request =
            Request::new("POST", "/Users").json(&json!({ "userName": unique("media") })).header("Content-Type", media);
        scim.send(&request).expect(201);
    }
}

fn oversized_body_returns_413(target: &Target) {
    let scim = target.client();
    let padded = |name: &str, length: usize| {
        let mut body = json!({ "userName": name }).to_string().into_bytes();
        body.resize(length, b' ');
        Request::new("POST", "/Users").bytes(body)
    };
    let name = unique("large");
    scim.send(&padded(&name, 5 * 1024 * 1024 + 1)).expect_error(413, "", &["5 MB|5 MiB|5242880|5,242,880"]);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    scim.send(&padded(&name, 4_900_000)).expect(201);
}

fn oversized_resource_returns_413(target: &Target) {
    let scim = target.client();
    let name = unique("heavy");
    let answer = scim.post("/Users", &json!({ "userName": name, "title": "x".repeat(1_000_000) }));
    answer.expect_error(413, "", &[]);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
}

fn unknown_id_returns_404(target: &Target) {
    let scim = target.client();
    let operations = json!([{ "op": "replace", "value": { "displayName": "x" } }]);
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let kept = scim.post(endpoint, &json!({ attribute: unique("kept") })).expect(201).id();
        let deleted = scim.post(endpoint, &json!({ attribute: unique("deleted") })).expect(201).id();
        scim.delete(format!("{endpoint}/{deleted}")).expect(204);
        let mut bodies = Vec::new();
        for id in [
            deleted.as_str(),
            "garbage",
            "010101001010101011001010101011",
            "00000000-0000-0000-0000-000000000000",
            &kept.to_uppercase(),
            &kept.replace('-', ""),
            "%20",
            "..%2f..",
            "%00",
            "%F0%9F%98%80",
            &"9".repeat(2_000),
            "bulkId:1",
            "a%23b",
        ] {
            let path = format!("{endpoint}/{id}");
            let change = json!({ attribute: unique("changed") });
            for answer in
                [scim.get(&path), scim.put(&path, &change), scim.patch(&path, &operations), scim.delete(&path)]
            {
                bodies.push(answer.expect_error(404, "", &[]).text);
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "expected the same body for all: {bodies:#?}");
        scim.get(format!("{endpoint}/{kept}")).expect(200);
    }
    let user = scim.post("/Users", &json!({ "userName": unique("user") })).expect(201).id();
    scim.get(format!("/Groups/{user}")).expect_error(404, "", &[]);
}

fn unsupported_method_returns_405(target: &Target) {
    let scim = target.client();
    let id = scim.post("/Users", &json!({ "userName": unique("there") })).expect(201).id();
    let one = format!("/Users/{id}");
    for (method, path, allowed) in [
        ("PUT", "/Users", &["GET", "POST"][..]),
        ("PATCH", "/Users", &["GET", "POST"]),
        ("DELETE", "/Users", &["GET", "POST"]),
        ("DELETE", "/Groups", &["GET", "POST"]),
        ("POST", &one, &["GET", "PUT", "PATCH", "DELETE"]),
        ("POST", "/Groups/x", &["GET", "PUT", "PATCH", "DELETE"]),
        ("POST", "/ServiceProviderConfig", &["GET"]),
        ("DELETE", "/Schemas", &["GET"]),
        ("PUT", "/ResourceTypes/User", &["GET"]),
    ] {
        let request = Request::new(method, path);
        let request = if method == "DELETE" { request } else { request.json(&json!({ "userName": unique("never") })) };
        let answer = scim.send(&request).expect_error(405, "", &[]);
        let mut allow: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
        allow.retain(|method| !["HEAD", "OPTIONS"].contains(method));
        allow.sort_unstable();
        let mut allowed = allowed.to_vec();
        allowed.sort_unstable();
        answer.check(allow == allowed, &format!("expected Allow: {allowed:?}"));
    }
    scim.get(&one).expect(200);
}

fn unknown_path_returns_404(target: &Target) {
    let scim = target.client();
    for path in [
        "/Nope",
        "/Users/a/b",
        "/Users/a/b/c",
        "/Groups/x/members",
        "/Schemas/a/b",
        "/v2/Users",
        "/ServiceProviderConfig/x",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            scim.send(&Request::new(method, path)).expect_error(404, "", &[]);
        }
    }
}
