//! Checks of the leniencies beyond the standard: the service accepts a request with a lenient token, and rejects it
//! with a strict token without any change. Each leniency of `schema::Leniency` has a row.

use serde_json::{Value, json};

use crate::answer::contains;
use crate::client::{Client, ENTERPRISE, GROUP, PATCH, Request, USER, query};
use crate::target::{Target, unique};

checks![
    lenient_resources_are_rejected_with_a_strict_token: StrictToken,
    lenient_values_are_rejected_with_a_strict_token: StrictToken,
    several_primaries_by_one_filter_are_rejected_with_a_strict_token: StrictToken,
    lenient_patches_are_rejected_with_a_strict_token: StrictToken,
    lenient_filters_and_projections_are_rejected_with_a_strict_token: StrictToken,
    missing_members_are_left_out_or_rejected: StrictToken,
    strict_token_accepts_what_the_rfcs_define: StrictToken,
];

/// A user that a strict token may create.
fn user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": unique("dialect"), "title": "T", "active": true,
        "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "w@a.example", "type": "work", "primary": true }, { "value": "h@a.example", "type": "home" }],
        ENTERPRISE: { "department": "D" },
    })
}

fn strict(target: &Target) -> Client {
    target.strict_client().expect("a strict token")
}

/// A client with each kind of token, and a user for each to change.
struct Pair {
    lenient: (Client, String),
    strict: (Client, String),
}

impl Pair {
    fn create(target: &Target) -> Self {
        let with_user = |scim: Client| {
            let path = format!("/Users/{}", scim.post("/Users", &user()).expect(201).id());
            (scim, path)
        };
        Self { lenient: with_user(target.client()), strict: with_user(strict(target)) }
    }

    /// Checks that the request changes the user as `expected` says with the lenient token, and is rejected with the
    /// strict token.
    fn check(&self, method: &'static str, body: &Value, scim_type: &str, expected: &Value) {
        let (scim, path) = &self.lenient;
        let mut body = body.clone();
        if method == "PUT" {
            body["userName"] = scim.get(path).expect(200)["userName"].clone();
        }
        let status = scim.send(&Request::new(method, path).json(&body)).status;
        assert!(status == 200, "expected 200 for the lenient token, not {status}, to {body}");
        let now = scim.get(path).expect(200).body;
        assert!(contains(&now, expected), "{body}\n{now:#}");
        let (scim, path) = &self.strict;
        let before = scim.get(path).expect(200).text;
        scim.send(&Request::new(method, path).json(&body)).expect_error(
            400,
            scim_type,
            &["the dialect of this token is strict"],
        );
        assert_eq!(scim.get(path).expect(200).text, before, "expected no change by {body}");
    }

    fn put(&self, change: &Value, scim_type: &str, expected: &Value) {
        let mut body = json!({ "schemas": [USER] });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.check("PUT", &body, scim_type, expected);
    }

    fn patch(&self, operation: &Value, scim_type: &str, expected: &Value) {
        self.check("PATCH", &json!({ "schemas": [PATCH], "Operations": [operation] }), scim_type, expected);
    }

    /// Checks that the filter finds `found` users with the lenient token, and is rejected with the strict token.
    fn filter(&self, filter: &str, found: usize) {
        let parameters = query(&[("filter", filter)]);
        let answer = self.lenient.0.get(format!("/Users?{parameters}")).expect(200);
        answer.check(answer.resources().len() == found, &format!("expected {found} users"));
        let words = &["the dialect of this token is strict", "character"];
        self.strict.0.get(format!("/Users?{parameters}")).expect_error(400, "invalidFilter", words);
    }
}

fn lenient_resources_are_rejected_with_a_strict_token(target: &Target) {
    let pair = Pair::create(target);
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
    let pair = Pair::create(target);
    // emptyStrings
    pair.put(&json!({ "title": "", "nickName": "N" }), "invalidValue", &json!({ "title": null, "nickName": "N" }));
    pair.patch(
        &json!({ "op": "replace", "path": "nickName", "value": "" }),
        "invalidValue",
        &json!({ "nickName": null }),
    );
    pair.patch(&json!({ "op": "add", "path": "title", "value": "" }), "invalidValue", &json!({ "title": null }));
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

fn several_primaries_by_one_filter_are_rejected_with_a_strict_token(target: &Target) {
    let pair = Pair::create(target);
    pair.patch(
        &json!({ "op": "replace", "path": "emails[value co \"@\"].primary", "value": true }),
        "invalidValue",
        &json!({ "emails": [{ "type": "work", "primary": false }, { "type": "home", "primary": true }] }),
    );
}

fn lenient_patches_are_rejected_with_a_strict_token(target: &Target) {
    let pair = Pair::create(target);
    // patchWithoutPath
    pair.patch(&json!({ "op": "replace", "value": { "title": "A" } }), "invalidPath", &json!({ "title": "A" }));
    pair.patch(
        &json!({ "op": "add", "path": null, "value": { "title": "B" } }),
        "invalidPath",
        &json!({ "title": "B" }),
    );
    // pathsAsNames: in a value without a path, and in the value of an extension
    pair.patch(
        &json!({ "op": "replace", "value": { "name.givenName": "C", format!("{ENTERPRISE}:division"): "V" } }),
        "invalidPath",
        &json!({ "name": { "givenName": "C", "familyName": "F" }, ENTERPRISE: { "division": "V" } }),
    );
    pair.patch(
        &json!({ "op": "replace", "path": ENTERPRISE, "value": { "manager.value": "m3" } }),
        "invalidPath",
        &json!({ ENTERPRISE: { "manager": { "value": "m3" } } }),
    );
    // readOnlyValues
    pair.patch(
        &json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "value": "m4", "displayName": "M" } }),
        "mutability",
        &json!({ ENTERPRISE: { "manager": { "value": "m4", "displayName": null } } }),
    );
    // operationCase, and unknownAttributes in the message
    pair.patch(&json!({ "op": "Replace", "path": "title", "value": "D" }), "invalidSyntax", &json!({ "title": "D" }));
    pair.patch(&json!({ "op": "replace", "Path": "title", "value": "E" }), "invalidSyntax", &json!({ "title": "E" }));
    pair.patch(
        &json!({ "op": "replace", "path": "title", "value": "F", "name": "x" }),
        "invalidSyntax",
        &json!({ "title": "F" }),
    );
    // missingSchemas, unknownSchemas
    let operations = |title: &str| json!([{ "op": "replace", "path": "title", "value": title }]);
    pair.check("PATCH", &json!({ "Operations": operations("G") }), "invalidSyntax", &json!({ "title": "G" }));
    pair.check(
        "PATCH",
        &json!({ "schemas": [PATCH, USER], "Operations": operations("H") }),
        "invalidSyntax",
        &json!({ "title": "H" }),
    );
    pair.check(
        "PATCH",
        &json!({ "schemas": [PATCH], "operations": operations("I") }),
        "invalidSyntax",
        &json!({ "title": "I" }),
    );
    // noOperations
    pair.check("PATCH", &json!({ "schemas": [PATCH], "Operations": [] }), "invalidSyntax", &json!({ "title": "I" }));
    // elementsByFilter
    pair.patch(
        &json!({ "op": "add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1" }),
        "noTarget",
        &json!({ "phoneNumbers": [{ "type": "mobile", "value": "+1" }] }),
    );
    pair.patch(
        &json!({ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "o@a.example" }),
        "noTarget",
        &json!({ "emails": [{ "type": "work" }, { "type": "home" }, { "type": "other", "value": "o@a.example" }] }),
    );
    // valuesOnRemove
    pair.patch(
        &json!({ "op": "remove", "path": "emails", "value": [{ "value": "h@a.example" }, { "value": "o@a.example" }] }),
        "invalidSyntax",
        &json!({ "emails": [{ "type": "work" }] }),
    );
    // bareExtensionNames
    pair.patch(
        &json!({ "op": "replace", "path": "division", "value": "W" }),
        "invalidPath",
        &json!({ ENTERPRISE: { "division": "W" } }),
    );
    // unknownAttributes: patchWithoutPath hides it in a value without a path, but not in the value of an extension
    pair.patch(
        &json!({ "op": "replace", "path": ENTERPRISE, "value": { "division": "X", "desk": 1 } }),
        "invalidSyntax",
        &json!({ ENTERPRISE: { "division": "X" } }),
    );
}

fn lenient_filters_and_projections_are_rejected_with_a_strict_token(target: &Target) {
    let pair = Pair::create(target);
    let (scim, path) = &pair.lenient;
    let (name, manager) = (unique("word"), unique("m"));
    let id = path.trim_start_matches("/Users/");
    let change = json!([{ "op": "replace", "value": { "externalId": name, "manager": manager, "emails": [{ "value": name, "type": "work", "primary": true }] } }]);
    scim.patch(path, &change).expect(200);
    // unquotedLiterals
    for filter in [
        format!("externalId eq {name}"),
        format!("emails.value eq {name}"),
        format!("emails[value eq {name}]"),
        format!("id eq {id}"),
        format!("id eq {id} and externalId eq {name}"),
    ] {
        pair.filter(&filter, 1);
    }
    pair.filter("userName eq nobody.at@all.example", 0);
    // bareExtensionNames and complexComparisons
    pair.filter(&format!("department pr and externalId eq \"{name}\""), 1);
    pair.filter(&format!("{ENTERPRISE}:manager eq \"{manager}\""), 1);
    // valuePathComparisons
    pair.filter(&format!("emails[type eq \"work\"].value eq \"{name}\""), 1);
    // stringBooleans
    pair.filter(&format!("externalId eq \"{name}\" and active eq \"True\""), 1);
    let projected = scim.get(format!("{path}?attributes=department")).expect(200);
    projected.check(projected[ENTERPRISE]["department"] == "D", "expected the department");
    let (scim, path) = &pair.strict;
    scim.get(format!("{path}?attributes=department")).expect_error(400, "invalidPath", &["department", "strict"]);
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
    ] {
        scim.patch(&path, &json!([operation])).expect(200).containing(&expected);
    }
    let filter = query(&[("filter", "emails eq \"x@a.example\" and active eq true"), ("unknown", "1")]);
    assert_eq!(scim.get(format!("/Users?{filter}")).expect(200).total(), 1);
}
