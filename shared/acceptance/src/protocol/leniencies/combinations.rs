//! Checks of two leniencies in one request: one of them must not replace or remove a value that the other one leaves
//! out. Such a request is rejected without any change.

use serde_json::{Value, json};

use super::readings::{members, rejected};
use crate::client::{Client, ENTERPRISE};
use crate::protocol::groups::{group, users};
use crate::target::{Target, unique};

checks![
    element_without_its_value_is_rejected,
    manager_without_its_value_is_rejected,
    removal_by_what_does_not_exist_is_rejected,
    qualifier_of_a_missing_value_creates_none,
    replacement_by_unknown_members_is_rejected_whatever_follows,
];

/// Attributes with elements whose value has a name that does not exist, or that are JSON in a string without a value.
fn without_value() -> [(&'static str, Value); 10] {
    [
        ("emails", json!([{ "email": "n@a.example", "primary": true }])),
        ("emails", json!([{ "value": null, "email": "n@a.example" }])),
        ("emails", json!([{ "mail": "n@a.example", "type": "work" }])),
        ("emails", json!([{ "type": "", "primary": true }])),
        ("emails", json!(["{\"email\": \"n@a.example\"}"])),
        ("emails", json!(["[null]"])),
        ("phoneNumbers", json!([{ "number": "+1", "primary": true }])),
        ("phoneNumbers", json!([{ "type": "work", "value": null, "number": 1 }])),
        ("roles", json!([{ "name": "admin", "primary": true }])),
        ("roles", json!(["{\"id\": \"1\"}"])),
    ]
}

/// A user with an address, a number, a role and a manager, as its path.
fn user(scim: &Client) -> String {
    let body = json!({
        "userName": unique("combination"), "emails": [{ "value": "w@a.example", "type": "work" }],
        "phoneNumbers": [{ "value": "+2", "type": "work" }], "roles": [{ "value": "reader" }],
        ENTERPRISE: { "manager": { "value": "m1" } },
    });
    format!("/Users/{}", scim.post("/Users", &body).expect(201).id())
}

fn element_without_its_value_is_rejected(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let before = scim.get(&path).expect(200);
    for (attribute, value) in without_value() {
        for op in ["add", "replace"] {
            let operation = json!({ "op": op, "path": attribute, "value": value });
            rejected(&scim, &path, "invalidValue", vec![operation]);
        }
        let body = json!({ "userName": before["userName"], attribute: value });
        scim.put(&path, &body).expect_error(400, "invalidValue", &[attribute]);
        let body = json!({ "userName": unique("combination"), attribute: value });
        scim.post("/Users", &body).expect_error(400, "invalidValue", &[attribute]);
    }
    let work = json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "email": "n@a.example", "primary": true } });
    rejected(&scim, &path, "invalidValue", vec![work]);
    assert_eq!(scim.get(&path).expect(200).text, before.text);
}

fn manager_without_its_value_is_rejected(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let manager = format!("{ENTERPRISE}:manager");
    let values = [json!("{\"id\": \"m2\"}"), json!({ "id": "m2", "displayName": "M" })];
    let operations = values.map(|value| json!({ "op": "replace", "path": manager, "value": value }));
    rejected(&scim, &path, "invalidValue", operations.to_vec());
}

fn removal_by_what_does_not_exist_is_rejected(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let values =
        [json!([{ "type": "work", "email": "b@a.example" }]), json!([{ "mail": "w@a.example", "primary": true }])];
    let operations = values.map(|value| json!({ "op": "remove", "path": "emails", "value": value }));
    rejected(&scim, &path, "invalidValue", operations.to_vec());
}

fn qualifier_of_a_missing_value_creates_none(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let operations = [
        json!({ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }),
        json!({ "op": "replace", "path": "emails[type eq \"home\"].type", "value": "HOME" }),
        json!({ "op": "add", "path": "addresses[type eq \"work\"].primary", "value": "True" }),
    ];
    rejected(&scim, &path, "noTarget", operations.to_vec());
}

fn replacement_by_unknown_members_is_rejected_whatever_follows(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let path = format!("/Groups/{}", group(&scim, &ids[..1]));
    let unknown = json!([{ "value": "0191b1c8-7a60-7c3e-8a3e-0123456789ab" }]);
    let known = json!([{ "value": ids[1] }]);
    let replace = json!({ "op": "replace", "path": "members", "value": unknown });
    for following in [
        json!({ "op": "add", "path": "members", "value": known }),
        json!({ "op": "remove", "path": "members", "value": unknown }),
    ] {
        scim.patch(&path, &json!([replace, following])).expect_error(400, "invalidValue", &["members"]);
        assert_eq!(members(&scim.get(&path).expect(200)), ids[..1]);
    }
    // The last replacement counts.
    let again = json!({ "op": "replace", "path": "members", "value": known });
    assert_eq!(members(&scim.patch(&path, &json!([replace, again])).expect(200)), ids[1..]);
}
