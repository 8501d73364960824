//! Checks of PATCH: each operation with each form of path, and the forms that Okta and Entra send (RFC 7644
//! §3.5.2).

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, USER};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    patch_changes_simple_attributes,
    patch_changes_complex_attributes,
    patch_changes_multi_valued_attributes,
    new_primary_replaces_the_old,
    unmatched_filter_creates_the_element,
    patch_changes_extensions,
    patch_without_effect_keeps_the_version,
    prefer_minimal_returns_204,
];

fn start() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": unique("patched"), "title": "T", "active": true,
        "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "w@a.example", "type": "work", "primary": true, "display": "W" }, { "value": "h@a.example", "type": "home" }],
        ENTERPRISE: { "department": "D", "manager": { "value": "m1" } },
    })
}

/// Patches a new user, and checks that the response and a GET contain `expected`.
fn check(scim: &Client, operations: &Value, expected: &Value) {
    let path = format!("/Users/{}", scim.post("/Users", &start()).expect(201).id());
    let answer = scim.patch(&path, operations).expect(200).containing(expected);
    assert_eq!(scim.get(&path).expect(200).body, answer.body, "{operations}");
}

fn patch_changes_simple_attributes(target: &Target) {
    let scim = target.client();
    for (operations, expected) in [
        (json!([{ "op": "add", "path": "nickName", "value": "N" }]), json!({ "nickName": "N", "title": "T" })),
        (json!([{ "op": "add", "path": "title", "value": "U" }]), json!({ "title": "U" })),
        (json!([{ "op": "replace", "path": "title", "value": "U" }]), json!({ "title": "U" })),
        (json!([{ "op": "replace", "path": "nickName", "value": "N" }]), json!({ "nickName": "N" })),
        (json!([{ "op": "remove", "path": "title" }]), json!({ "title": null, "userName": "*" })),
        (json!([{ "op": "Replace", "path": "TITLE", "value": "U" }]), json!({ "title": "U", "TITLE": null })),
        (
            json!([{ "op": "ADD", "value": { "NICKNAME": "N", "title": "U" } }]),
            json!({ "nickName": "N", "title": "U" }),
        ),
        (json!([{ "op": "Replace", "path": "active", "value": "False" }]), json!({ "active": false })),
        (json!([{ "op": "replace", "value": { "active": "false" } }]), json!({ "active": false, "title": "T" })),
        (
            json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "U" }]),
            json!({ "title": "U" }),
        ),
        (
            json!([{ "op": "add", "path": "nickName", "value": "N" }, { "op": "remove", "path": "nickName" }]),
            json!({ "nickName": null }),
        ),
        (
            json!([{ "op": "remove", "path": "title" }, { "op": "add", "path": "title", "value": "V" }]),
            json!({ "title": "V" }),
        ),
        (
            json!([{ "op": "replace", "value": { "id": "other", "meta": { "created": "1999" }, "groups": [], "schemas": [USER], "shoeSize": 3, "title": "U" } }]),
            json!({ "title": "U", "shoeSize": null, "id": "*" }),
        ),
    ] {
        check(&scim, &operations, &expected);
    }
}

fn patch_changes_complex_attributes(target: &Target) {
    let scim = target.client();
    for (operations, expected) in [
        (
            json!([{ "op": "add", "path": "name.middleName", "value": "M" }]),
            json!({ "name": { "givenName": "G", "middleName": "M" } }),
        ),
        (
            json!([{ "op": "Add", "path": "Name.GivenName", "value": "X" }]),
            json!({ "name": { "givenName": "X", "familyName": "F" } }),
        ),
        (
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "X" } }]),
            json!({ "name": { "givenName": "X", "familyName": "F" } }),
        ),
        (
            json!([{ "op": "add", "value": { "name": { "middleName": "M" } } }]),
            json!({ "name": { "givenName": "G", "middleName": "M" } }),
        ),
        (
            json!([{ "op": "replace", "value": { "name.givenName": "X", "title": "U" } }]),
            json!({ "name": { "givenName": "X", "familyName": "F" }, "title": "U" }),
        ),
        (
            json!([{ "op": "remove", "path": "name.givenName" }]),
            json!({ "name": { "givenName": null, "familyName": "F" } }),
        ),
        (json!([{ "op": "remove", "path": "name" }]), json!({ "name": null })),
    ] {
        check(&scim, &operations, &expected);
    }
}

fn patch_changes_multi_valued_attributes(target: &Target) {
    let scim = target.client();
    let (work, home) =
        (json!({ "value": "w@a.example", "type": "work" }), json!({ "value": "h@a.example", "type": "home" }));
    let other = json!({ "value": "o@a.example", "type": "other" });
    for (operations, expected) in [
        (json!([{ "op": "add", "path": "emails", "value": [other] }]), json!([work, home, other])),
        (json!([{ "op": "add", "path": "emails", "value": other }]), json!([work, home, other])),
        (json!([{ "op": "add", "value": { "emails": [other] } }]), json!([work, home, other])),
        (json!([{ "op": "replace", "path": "emails", "value": [other] }]), json!([other])),
        (json!([{ "op": "replace", "value": { "emails": [other] } }]), json!([other])),
        (json!([{ "op": "remove", "path": "emails" }]), Value::Null),
        (json!([{ "op": "replace", "path": "emails", "value": [] }]), Value::Null),
        (json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]), json!([work])),
        (json!([{ "op": "remove", "path": "emails[value co \"@A\"]" }]), Value::Null),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"work\"].display" }]),
            json!([{ "display": null, "type": "work", "primary": true }, home]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@a.example" }]),
            json!([{ "value": "n@a.example", "display": "W", "primary": true }, home]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"home\" and value sw \"h\"].display", "value": "H" }]),
            json!([work, { "value": "h@a.example", "display": "H" }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"home\"]", "value": { "value": "n@a.example", "type": "home" } }]),
            json!([work, { "value": "n@a.example", "type": "home" }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[primary eq \"True\"].display", "value": "P" }]),
            json!([{ "display": "P", "type": "work" }, home]),
        ),
        (
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "o@a.example", "type": "other", "primary": true }] }]),
            json!([work, home, { "primary": true, "type": "other" }]),
        ),
        (
            json!([{ "op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@a.example" }]),
            json!([work, home, other]),
        ),
        (
            json!([{ "op": "Replace", "path": "emails[type eq \"other\"].value", "value": "o@a.example" }]),
            json!([work, home, other]),
        ),
    ] {
        check(&scim, &operations, &json!({ "emails": expected }));
    }
}

fn new_primary_replaces_the_old(target: &Target) {
    let scim = target.client();
    let path = format!("/Users/{}", scim.post("/Users", &start()).expect(201).id());
    let added = json!({ "value": "o@a.example", "type": "other", "primary": true });
    for operations in [
        json!([{ "op": "add", "path": "emails", "value": [added] }]),
        json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
    ] {
        let answer = scim.patch(&path, &operations).expect(200);
        let emails = answer["emails"].as_array().unwrap();
        answer.check(emails.iter().filter(|email| email["primary"] == true).count() == 1, "expected one primary");
    }
    scim.get(&path).expect(200).containing(
        &json!({ "emails": [{ "type": "work" }, { "type": "home", "primary": true }, { "type": "other" }] }),
    );
}

fn unmatched_filter_creates_the_element(target: &Target) {
    let scim = target.client();
    for (operations, expected) in [
        (
            json!([{ "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1" }]),
            json!({ "phoneNumbers": [{ "type": "mobile", "value": "+1" }] }),
        ),
        (
            json!([{ "op": "Replace", "path": "addresses[type eq \"work\"].formatted", "value": "1 Way" },
                   { "op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "Swaziland" }]),
            json!({ "addresses": [{ "type": "work", "formatted": "1 Way", "country": "Swaziland" }] }),
        ),
        (
            json!([{ "op": "add", "path": "roles[primary eq \"True\"].value", "value": "R" }, { "op": "add", "path": "roles[primary eq \"True\"].display", "value": "D" }]),
            json!({ "roles": [{ "primary": true, "value": "R", "display": "D" }] }),
        ),
    ] {
        check(&scim, &operations, &expected);
    }
}

fn patch_changes_extensions(target: &Target) {
    let scim = target.client();
    let of = |name: &str| format!("{ENTERPRISE}:{name}");
    for (operations, expected) in [
        (
            json!([{ "op": "Add", "path": of("department"), "value": "X" }]),
            json!({ "department": "X", "manager": { "value": "m1" } }),
        ),
        (
            json!([{ "op": "replace", "path": of("department").to_uppercase(), "value": "X" }]),
            json!({ "department": "X" }),
        ),
        (
            json!([{ "op": "replace", "path": of("manager.value"), "value": "m2" }]),
            json!({ "manager": { "value": "m2" }, "department": "D" }),
        ),
        (json!([{ "op": "Add", "path": of("manager"), "value": "m2" }]), json!({ "manager": { "value": "m2" } })),
        (
            json!([{ "op": "replace", "path": of("manager"), "value": { "value": "m2" } }]),
            json!({ "manager": { "value": "m2" } }),
        ),
        (json!([{ "op": "remove", "path": of("manager") }]), json!({ "manager": null, "department": "D" })),
        (
            json!([{ "op": "replace", "value": { ENTERPRISE: { "division": "V" } } }]),
            json!({ "division": "V", "department": "D" }),
        ),
        (
            json!([{ "op": "replace", "value": { of("department"): "X" } }]),
            json!({ "department": "X", "manager": { "value": "m1" } }),
        ),
        (
            json!([{ "op": "remove", "path": of("department") }]),
            json!({ "department": null, "manager": { "value": "m1" } }),
        ),
    ] {
        check(&scim, &operations, &json!({ ENTERPRISE: expected }));
    }
}

fn patch_without_effect_keeps_the_version(target: &Target) {
    let scim = target.client();
    let before = scim.post("/Users", &start()).expect(201);
    let path = format!("/Users/{}", before.id());
    std::thread::sleep(std::time::Duration::from_millis(5));
    for operations in [
        json!([]),
        json!([{ "op": "replace", "path": "title", "value": "T" }]),
        json!([{ "op": "replace", "value": { "active": true, "name": { "givenName": "G" } } }]),
        json!([{ "op": "remove", "path": "nickName" }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "h@a.example", "type": "home" }] }]),
        json!([{ "op": "replace", "value": { "id": "x", "schemas": [], "meta": {} } }]),
        json!([{ "op": "add", "path": "nickName", "value": "N" }, { "op": "remove", "path": "nickName" }]),
    ] {
        let after = scim.patch(&path, &operations).expect(200);
        after.check(after.body == before.body, "expected no change, not even of lastModified and version");
    }
    assert_eq!(scim.get(&path).expect(200).body, before.body);
}

fn prefer_minimal_returns_204(target: &Target) {
    let scim = target.client();
    let path = format!("/Users/{}", scim.post("/Users", &start()).expect(201).id());
    let body = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "U" }] });
    let request = Request::new("PATCH", &path).json(&body).header("Prefer", "return=minimal");
    scim.send(&request).expect(204);
    scim.get(&path).expect(200).containing(&json!({ "title": "U" }));
}
