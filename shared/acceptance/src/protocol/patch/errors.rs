//! Checks that invalid PATCH requests are rejected and leave the resource unchanged, although other operations of
//! the request are valid (RFC 7644 §3.5.2, §3.12).

use serde_json::{Value, json};

use crate::client::{Client, PATCH};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    malformed_operation_returns_400,
    unknown_path_returns_400,
    value_of_the_wrong_type_returns_400,
    read_only_and_required_attributes_are_protected,
    body_without_operations_returns_400,
    rejected_rename_applies_no_other_operation,
];

/// The operations, the `scimType`, and words of the detail.
type RejectedPatch = (Value, &'static str, &'static [&'static str]);

fn check(scim: &Client, path: &str, rows: Vec<RejectedPatch>) {
    let before = scim.get(path).expect(200).text;
    for (operations, scim_type, words) in rows {
        scim.patch(path, &operations).expect_error(400, scim_type, words);
        assert_eq!(scim.get(path).expect(200).text, before, "expected no change by {operations}");
        let mut all = vec![json!({ "op": "replace", "value": { "externalId": "half done" } })];
        all.extend(operations.as_array().cloned().unwrap_or_default());
        scim.patch(path, &json!(all)).expect_error(400, scim_type, words);
        assert_eq!(scim.get(path).expect(200).text, before, "expected no partial change by {operations}");
    }
}

fn user(scim: &Client) -> String {
    let user = json!({
        "userName": unique("unharmed"), "title": "T", "name": { "givenName": "G" }, "active": true,
        "emails": [{ "value": "w@a.example", "type": "work", "primary": true }],
    });
    format!("/Users/{}", scim.post("/Users", &user).expect(201).id())
}

fn malformed_operation_returns_400(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    check(
        &scim,
        &path,
        vec![
            (json!([{ "op": "merge", "path": "title", "value": "x" }]), "invalidSyntax", &["op", "add", "replace"]),
            (json!([{ "op": "", "path": "title", "value": "x" }]), "invalidSyntax", &["op"]),
            (json!([{ "op": 5, "path": "title", "value": "x" }]), "invalidSyntax", &["op"]),
            (json!([{ "path": "title", "value": "x" }]), "invalidSyntax", &["op"]),
            (json!([{ "op": "replace", "path": 5, "value": "x" }]), "invalidSyntax|invalidPath", &["path"]),
            (json!([{ "op": "add", "path": "title" }]), "invalidSyntax|invalidValue", &["value"]),
            (json!([{ "op": "add", "value": "x" }]), "invalidSyntax|invalidValue", &[]),
            (json!([{ "op": "replace", "value": ["title"] }]), "invalidSyntax|invalidValue", &[]),
            (json!(["replace"]), "invalidSyntax", &[]),
        ],
    );
}

fn unknown_path_returns_400(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    check(
        &scim,
        &path,
        vec![
            (json!([{ "op": "replace", "path": "emails[type eq", "value": "x" }]), "invalidPath|invalidFilter", &[]),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"work\"", "value": "x" }]),
                "invalidPath|invalidFilter",
                &[],
            ),
            (json!([{ "op": "replace", "path": "emails[]", "value": "x" }]), "invalidPath|invalidFilter", &[]),
            (
                json!([{ "op": "replace", "path": "emails[noSuchPart eq \"x\"].value", "value": "x" }]),
                "invalidPath|invalidFilter",
                &[],
            ),
            (
                json!([{ "op": "replace", "path": "title[type eq \"work\"]", "value": "x" }]),
                "invalidPath|invalidFilter",
                &[],
            ),
            (json!([{ "op": "replace", "path": "name..givenName", "value": "x" }]), "invalidPath", &[]),
            (json!([{ "op": "replace", "path": "name.noSuchPart", "value": "x" }]), "invalidPath", &["noSuchPart"]),
            (json!([{ "op": "replace", "path": "title and name", "value": "x" }]), "invalidPath", &[]),
            (
                json!([{ "op": "replace", "path": "noSuchAttribute", "value": "x" }]),
                "invalidPath",
                &["noSuchAttribute"],
            ),
            (json!([{ "op": "replace", "path": "title.part", "value": "x" }]), "invalidPath", &[]),
            (json!([{ "op": "remove" }]), "noTarget", &["path"]),
            (json!([{ "op": "remove", "value": { "title": "T" } }]), "noTarget", &["path"]),
            (
                json!([{ "op": "replace", "path": "emails[value co \"nobody\"].type", "value": "home" }]),
                "noTarget",
                &[],
            ),
            (
                json!([{ "op": "replace", "path": "emails[value co \"nobody\"]", "value": { "value": "x@a.example" } }]),
                "noTarget",
                &[],
            ),
        ],
    );
}

fn value_of_the_wrong_type_returns_400(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    check(
        &scim,
        &path,
        vec![
            (json!([{ "op": "replace", "path": "active", "value": "perhaps" }]), "invalidValue", &["active"]),
            (json!([{ "op": "replace", "value": { "active": 2 } }]), "invalidValue", &["active"]),
            (json!([{ "op": "replace", "path": "name.givenName", "value": 5 }]), "invalidValue", &["givenName"]),
            (json!([{ "op": "replace", "path": "name", "value": "Ann" }]), "invalidValue", &["name"]),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": {} }]),
                "invalidValue",
                &["value"],
            ),
            (json!([{ "op": "replace", "path": "userName", "value": "" }]), "mutability|invalidValue", &["userName"]),
            (json!([{ "op": "replace", "path": "userName", "value": 5 }]), "invalidValue", &["userName"]),
            (json!([{ "op": "replace", "value": { "userName": null } }]), "invalidValue|mutability", &["userName"]),
        ],
    );
}

fn read_only_and_required_attributes_are_protected(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    check(
        &scim,
        &path,
        vec![
            (json!([{ "op": "replace", "path": "id", "value": "x" }]), "mutability", &["id"]),
            (
                json!([{ "op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z" }]),
                "mutability",
                &["meta"],
            ),
            (json!([{ "op": "remove", "path": "meta" }]), "mutability", &["meta"]),
            (json!([{ "op": "add", "path": "groups", "value": [{ "value": "g" }] }]), "mutability", &["groups"]),
            (json!([{ "op": "remove", "path": "groups[value eq \"g\"]" }]), "mutability", &["groups"]),
            (json!([{ "op": "remove", "path": "userName" }]), "mutability|invalidValue", &["userName"]),
        ],
    );
    let group = scim.post("/Groups", &json!({ "displayName": unique("Safe ") })).expect(201).id();
    check(
        &scim,
        &format!("/Groups/{group}"),
        vec![
            (json!([{ "op": "remove", "path": "displayName" }]), "mutability|invalidValue", &["displayName"]),
            (json!([{ "op": "replace", "value": { "displayName": "" } }]), "mutability|invalidValue", &["displayName"]),
            (json!([{ "op": "replace", "path": "userName", "value": "x" }]), "invalidPath", &["userName"]),
            (json!([{ "op": "add", "path": "members", "value": [{ "value": 5 }] }]), "invalidValue", &["members"]),
            (json!([{ "op": "add", "path": "members", "value": [{ "value": group }] }]), "invalidValue", &["itself"]),
            (
                json!([{ "op": "replace", "path": "members", "value": [{ "value": group }] }]),
                "invalidValue",
                &["itself"],
            ),
            (json!([{ "op": "remove", "path": "members[value eq" }]), "invalidPath|invalidFilter", &[]),
            (json!([{ "op": "remove" }]), "noTarget", &["path"]),
        ],
    );
}

fn body_without_operations_returns_400(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let before = scim.get(&path).expect(200).text;
    for body in [
        json!({ "schemas": [PATCH] }),
        json!({ "schemas": [PATCH], "Operations": null }),
        json!({ "schemas": [PATCH], "Operations": "replace" }),
        json!({ "schemas": [PATCH], "Operations": { "op": "replace", "path": "title", "value": "x" } }),
        json!({ "active": false }),
    ] {
        let request = Request::new("PATCH", &path).json(&body);
        scim.send(&request).expect_error(400, "invalidSyntax", &["Operations"]);
    }
    let many: Value = (0..1_001).map(|_| json!({ "op": "replace", "path": "title", "value": "x" })).collect();
    let answer = scim.patch(&path, &many);
    let status = answer.status;
    let answer = answer.expect_error(status, "|invalidSyntax|invalidValue|tooMany", &["1000|1,000"]);
    answer.check(status == 400 || status == 413, "expected 400 or 413");
    assert_eq!(scim.get(&path).expect(200).text, before);
}

fn rejected_rename_applies_no_other_operation(target: &Target) {
    let scim = target.client();
    let taken = unique("taken");
    scim.post("/Users", &json!({ "userName": taken })).expect(201);
    let path = user(&scim);
    let before = scim.get(&path).expect(200).text;
    let operations = json!([{ "op": "replace", "value": { "title": "changed" } }, { "op": "replace", "path": "userName", "value": taken }]);
    scim.patch(&path, &operations).expect_error(409, "uniqueness", &["userName"]);
    assert_eq!(scim.get(&path).expect(200).text, before);
}
