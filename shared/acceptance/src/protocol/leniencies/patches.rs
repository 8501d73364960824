//! Checks of the leniencies in PATCH operations.

use serde_json::json;

use super::ClientPair;
use crate::client::{ENTERPRISE, PATCH, USER};
use crate::target::Target;

checks![
    several_primaries_by_one_filter_are_rejected_with_a_strict_token: StrictToken,
    lenient_patches_are_rejected_with_a_strict_token: StrictToken,
];

fn several_primaries_by_one_filter_are_rejected_with_a_strict_token(target: &Target) {
    let pair = ClientPair::create(target);
    pair.patch(
        &json!({ "op": "replace", "path": "emails[value co \"@\"].primary", "value": true }),
        "invalidValue",
        &json!({ "emails": [{ "type": "work", "primary": false }, { "type": "home", "primary": true }] }),
    );
}

fn lenient_patches_are_rejected_with_a_strict_token(target: &Target) {
    let pair = ClientPair::create(target);
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
    // unknownAttributes
    pair.patch(
        &json!({ "op": "replace", "value": { "title": "K", "desk": 1 } }),
        "invalidSyntax",
        &json!({ "title": "K" }),
    );
    pair.patch(
        &json!({ "op": "replace", "path": ENTERPRISE, "value": { "division": "X", "desk": 1 } }),
        "invalidSyntax",
        &json!({ ENTERPRISE: { "division": "X" } }),
    );
}
