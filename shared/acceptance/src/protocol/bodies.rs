//! Checks that invalid bodies of POST and PUT are rejected, with a detail that names the attribute and the value that
//! was expected (RFC 7644 §3.12).

use serde_json::{Value, json};

use crate::client::ENTERPRISE;
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    body_that_is_not_a_json_object_returns_400,
    value_of_the_wrong_type_returns_400,
    missing_or_empty_required_name_returns_400,
    name_of_blanks_or_control_characters_returns_400,
    malformed_members_return_400,
];

/// A gateway may have replaced bytes that are not UTF-8 by U+FFFD, which no user name may contain.
const NOT_TEXT: &str = "invalidSyntax|invalidValue";

fn body_that_is_not_a_json_object_returns_400(target: &Target) {
    let scim = target.client();
    let id = scim.post("/Users", &json!({ "userName": unique("steady") })).expect(201).id();
    let deep = format!("{{\"userName\":{}\"a\"{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"userName",
        b"{\"userName\":\"a\",}",
        b"[]",
        b"[{\"userName\":\"a\"}]",
        b"\"userName\"",
        b"null",
        b"42",
        b"{\"userName\":\"\xff\xfe\"}",
        deep.as_bytes(),
    ];
    for (method, path) in [
        ("POST", "/Users".to_owned()),
        ("POST", "/Groups".to_owned()),
        ("PUT", format!("/Users/{id}")),
        ("PATCH", format!("/Users/{id}")),
    ] {
        for body in bodies {
            let scim_type = if body.is_ascii() { "invalidSyntax" } else { NOT_TEXT };
            scim.send(&Request::new(method, &path).bytes(body)).expect_error(400, scim_type, &[]);
        }
    }
}

/// The attributes that make the body invalid, and the words that the detail contains.
fn wrong_values() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!({ "active": 1 }), &["active", "oolean"]),
        (json!({ "active": "perhaps" }), &["active", "oolean"]),
        (json!({ "active": [true, true] }), &["active", "oolean"]),
        (json!({ "title": 5 }), &["title", "tring"]),
        (json!({ "title": true }), &["title", "tring"]),
        (json!({ "title": { "value": "x" } }), &["title", "tring"]),
        (json!({ "title": ["x", "y"] }), &["title", "tring"]),
        (json!({ "name": "Ann Alpha" }), &["name", "bject|omplex"]),
        (json!({ "name": { "givenName": 7 } }), &["givenName", "tring"]),
        (json!({ "emails": [{ "value": 7 }] }), &["emails", "value", "tring"]),
        (json!({ "emails": [7] }), &["emails", "bject|omplex"]),
        (json!({ "emails": [{ "value": "a@b.example", "primary": "perhaps" }] }), &["primary", "oolean"]),
        (json!({ ENTERPRISE: { "department": 9 } }), &["department", "tring"]),
        (json!({ ENTERPRISE: "x" }), &["bject|omplex"]),
    ]
}

fn value_of_the_wrong_type_returns_400(target: &Target) {
    let scim = target.client();
    let name = unique("typed");
    let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let path = format!("/Users/{id}");
    let before = scim.get(&path).expect(200).text;
    for (wrong, words) in wrong_values() {
        let mut body = wrong.clone();
        body["userName"] = json!(unique("wrong"));
        scim.post("/Users", &body).expect_error(400, "invalidValue", words);
        assert!(scim.find("/Users", &format!("userName eq {}", body["userName"])).is_empty());
        body["userName"] = json!(name);
        scim.put(&path, &body).expect_error(400, "invalidValue", words);
        assert_eq!(scim.get(&path).expect(200).text, before);
    }
}

fn missing_or_empty_required_name_returns_400(target: &Target) {
    let scim = target.client();
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let path =
            format!("{endpoint}/{}", scim.post(endpoint, &json!({ attribute: unique("named") })).expect(201).id());
        for body in [
            json!({}),
            json!({ "schemas": [], "externalId": "x" }),
            json!({ attribute: null }),
            json!({ attribute: "" }),
            json!({ attribute: 5 }),
            json!({ attribute: ["a", "b"] }),
            json!({ attribute: { "value": "a" } }),
        ] {
            scim.post(endpoint, &body).expect_error(400, "invalidValue", &[attribute]);
            scim.put(&path, &body).expect_error(400, "invalidValue", &[attribute]);
        }
    }
}

fn name_of_blanks_or_control_characters_returns_400(target: &Target) {
    let scim = target.client();
    for name in ["   ", "\u{0}", "a\u{7}b", "a\nb"] {
        scim.post("/Users", &json!({ "userName": name })).expect_error(400, "invalidValue", &["userName"]);
    }
}

fn malformed_members_return_400(target: &Target) {
    let scim = target.client();
    for (members, words) in [
        (json!(5), ["members"]),
        (json!([5]), ["members"]),
        (json!([{ "value": 5 }]), ["members"]),
        (json!([{ "value": { "id": "x" } }]), ["members"]),
    ] {
        let name = unique("shapeless ");
        scim.post("/Groups", &json!({ "displayName": name, "members": members })).expect_error(
            400,
            "invalidValue",
            &words,
        );
        assert!(scim.find("/Groups", &format!("displayName eq \"{name}\"")).is_empty());
    }
}
