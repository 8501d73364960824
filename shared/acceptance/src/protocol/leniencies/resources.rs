//! Checks of the leniencies in resources and their values, and of what a strict token accepts.

use serde_json::{Value, json};

use super::{ClientPair, strict, user};
use crate::client::{ENTERPRISE, GROUP, USER};
use crate::request::query;
use crate::target::{Target, unique};

checks![
    lenient_resources_are_rejected_with_a_strict_token: StrictToken,
    lenient_values_are_rejected_with_a_strict_token: StrictToken,
    missing_members_are_left_out_or_rejected: StrictToken,
    strict_token_accepts_what_the_rfcs_define: StrictToken,
];

fn lenient_resources_are_rejected_with_a_strict_token(target: &Target) {
    let pair = ClientPair::create(target);
    // unknownAttributes: in the resource, in a value, in an extension, and a whole extension
    pair.put(&json!({ "shoeSize": 43, "title": "A" }), "invalidSyntax", &json!({ "title": "A", "shoeSize": null }));
    pair.put(
        &json!({ "name": { "givenName": "B", "nick": "x" } }),
        "invalidSyntax",
        &json!({ "name": { "givenName": "B" } }),
    );
    pair.put(
        &json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "department": "B", "desk": 1 } }),
        "invalidSyntax",
        &json!({ ENTERPRISE: { "department": "B", "desk": null } }),
    );
    pair.put(&json!({ "urn:example:x": { "a": 1 }, "title": "C" }), "invalidSyntax", &json!({ "title": "C" }));
    // missingSchemas, unknownSchemas, unlistedExtensions
    pair.put(&json!({ "schemas": null, "title": "D" }), "invalidSyntax", &json!({ "title": "D", "schemas": [USER] }));
    pair.put(&json!({ "schemas": [ENTERPRISE], "title": "E" }), "invalidSyntax", &json!({ "title": "E" }));
    pair.put(
        &json!({ "schemas": [USER, "urn:scim:schemas:core:1.0"], "title": "F" }),
        "invalidSyntax",
        &json!({ "title": "F", "schemas": [USER] }),
    );
    pair.put(
        &json!({ ENTERPRISE: { "department": "G" } }),
        "invalidSyntax",
        &json!({ ENTERPRISE: { "department": "G" }, "schemas": [USER, ENTERPRISE] }),
    );
    // bareExtensionNames
    pair.put(
        &json!({ "department": "G", "manager": { "value": "M" } }),
        "invalidValue",
        &json!({ ENTERPRISE: { "department": "G", "manager": { "value": "M" } }, "schemas": [USER, ENTERPRISE] }),
    );
    // coreSchemaObject
    pair.put(&json!({ USER: { "title": "H" } }), "invalidSyntax", &json!({ "title": "H" }));
    pair.patch(
        &json!({ "op": "replace", "path": USER, "value": { "title": "I" } }),
        "invalidSyntax",
        &json!({ "title": "I" }),
    );
}

fn lenient_values_are_rejected_with_a_strict_token(target: &Target) {
    let pair = ClientPair::create(target);
    // textReferences
    pair.put(&json!({ "profileUrl": "no URI" }), "invalidValue", &json!({ "profileUrl": "no URI" }));
    // wrappedValues
    pair.patch(
        &json!({ "op": "replace", "path": "title", "value": [{ "$ref": null, "value": "T" }] }),
        "invalidValue",
        &json!({ "title": "T" }),
    );
    // stringBooleans
    pair.put(&json!({ "active": "False" }), "invalidValue", &json!({ "active": false }));
    pair.patch(
        &json!({ "op": "replace", "path": "active", "value": "True" }),
        "invalidValue",
        &json!({ "active": true }),
    );
    // bareValues
    pair.put(&json!({ "roles": ["Admin"] }), "invalidValue", &json!({ "roles": [{ "value": "Admin" }] }));
    let manager = format!("{ENTERPRISE}:manager");
    pair.patch(
        &json!({ "op": "add", "path": manager, "value": "m1" }),
        "invalidValue",
        &json!({ ENTERPRISE: { "manager": { "value": "m1" } } }),
    );
    // listForSingle
    pair.patch(
        &json!({ "op": "replace", "path": manager, "value": [{ "value": "m2" }] }),
        "invalidValue",
        &json!({ ENTERPRISE: { "manager": { "value": "m2" } } }),
    );
    // singleForList
    pair.put(
        &json!({ "emails": { "value": "a@a.example" } }),
        "invalidValue",
        &json!({ "emails": [{ "value": "a@a.example" }] }),
    );
    pair.patch(
        &json!({ "op": "replace", "path": "emails", "value": { "value": "b@a.example" } }),
        "invalidValue",
        &json!({ "emails": [{ "value": "b@a.example" }] }),
    );
    // severalPrimaries
    let two =
        json!([{ "value": "a", "type": "work", "primary": true }, { "value": "b", "type": "work", "primary": true }]);
    let last = json!([{ "value": "a", "primary": false }, { "value": "b", "primary": true }]);
    pair.put(&json!({ "emails": two }), "invalidValue", &json!({ "emails": last }));
    // urlSafeBase64
    let certificate = json!([{ "value": "-_-_" }]);
    pair.put(&json!({ "x509Certificates": certificate }), "invalidValue", &json!({ "x509Certificates": certificate }));
}

fn missing_members_are_left_out_or_rejected(target: &Target) {
    let nobody = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";
    for (scim, is_strict) in [(target.client(), false), (strict(target), true)] {
        let group =
            |members: Value| json!({ "schemas": [GROUP], "displayName": unique("Dialect "), "members": members });
        let path = format!("/Groups/{}", scim.post("/Groups", &group(json!([]))).expect(201).id());
        let somebody = scim.post("/Users", &user()).expect(201).id();
        let before = scim.get(&path).expect(200).text;
        let both = json!([{ "value": somebody }, { "value": nobody }]);
        let answer = scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": both }]));
        let created = scim.post("/Groups", &group(both));
        if is_strict {
            answer.expect_error(400, "invalidValue", &["members"]);
            created.expect_error(400, "invalidValue", &["members"]);
            assert_eq!(scim.get(&path).expect(200).text, before);
        } else {
            for answer in [answer.expect(200), created.expect(201), scim.get(&path).expect(200)] {
                answer.containing(&json!({ "members": [{ "value": somebody }] }));
            }
        }
    }
}

fn strict_token_accepts_what_the_rfcs_define(target: &Target) {
    let scim = strict(target);
    let made = scim.post("/Users", &user()).expect(201);
    let path = format!("/Users/{}", made.id());
    // The client may send back what the service has set (§3.5.1); null and [] unassign (RFC 7643 §2.5); names may
    // have any case (§2.1).
    let mut whole = made.body.clone();
    whole["TITLE"] = json!("U");
    whole["nickName"] = Value::Null;
    whole["phoneNumbers"] = json!([]);
    whole.as_object_mut().unwrap().shift_remove("title");
    scim.put(&path, &whole).expect(200).containing(&json!({ "title": "U", "nickName": null, "phoneNumbers": null }));
    for (operation, expected) in [
        (
            json!({ "op": "add", "path": "emails", "value": { "value": "n@a.example" } }),
            json!({ "emails": [{}, {}, { "value": "n@a.example" }] }),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@a.example" }),
            json!({ "emails": [{ "value": "x@a.example" }, {}, {}] }),
        ),
        (json!({ "op": "remove", "path": "emails[value eq \"n@a.example\"]" }), json!({ "emails": [{}, {}] })),
        (
            json!({ "op": "replace", "path": ENTERPRISE, "value": { "division": "V" } }),
            json!({ ENTERPRISE: { "department": "D", "division": "V" } }),
        ),
        (json!({ "op": "remove", "path": ENTERPRISE }), json!({ ENTERPRISE: null, "schemas": [USER] })),
        (
            json!({ "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "E" }),
            json!({ "schemas": [USER, ENTERPRISE] }),
        ),
        (json!({ "op": "replace", "path": "title", "value": null }), json!({ "title": null })),
        // An operation may have no path (§3.5.2.1, §3.5.2.3), and an empty string is a value (RFC 7643 §2.3.1).
        (json!({ "op": "replace", "value": { "title": "W" } }), json!({ "title": "W" })),
        (json!({ "op": "add", "path": null, "value": { "title": "X", "nickName": "N" } }), json!({ "title": "X" })),
        (json!({ "op": "replace", "path": "nickName", "value": "" }), json!({ "nickName": "" })),
        (json!({ "op": "remove", "path": "emails[value eq \"gone@a.example\"]" }), json!({ "title": "X" })),
    ] {
        scim.patch(&path, &json!([operation])).expect(200).containing(&expected);
    }
    let filter = query(&[("filter", "emails eq \"x@a.example\" and active eq true"), ("unknown", "1")]);
    assert_eq!(scim.get(format!("/Users?{filter}")).expect(200).total(), 1);
}
