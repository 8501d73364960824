//! Forms of paths and values that identity providers send.

use schema::{Dialect, Kind, resource_type};
use serde_json::{Value, json};

use super::{E, check, patch};
use crate::Filter;

/// What Entra ID sends, without and with its flag `aadOptscim062020`.
#[test]
fn operations_of_entra_id_are_accepted() {
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    let home = json!({"value": "h@x", "type": "home"});
    let of = |rest: Value| json!({E: rest});
    // Roles as JSON in a string (AppRoleAssignmentsComplex) are read as the objects that they describe.
    let role = "{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"Administrator\"}";
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]},
            {"op": "Add", "path": "roles", "value": [{"value": role}]}]),
        json!({"roles": [{"value": "Admin", "display": "Administrator"}]}),
    );
    let by_filter = format!("roles[value eq {}]", Value::from(role));
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]}, {"op": "Remove", "path": by_filter}]),
        json!({}),
    );
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]},
            {"op": "Remove", "path": "roles", "value": [{"value": role}]}]),
        json!({}),
    );
    check(
        json!([{"op": "Replace", "path": "Roles[Primary eq \"True\"].Display", "value": "D"},
            {"op": "Replace", "path": "roles[primary eq \"True\"].type", "value": "t"}]),
        json!({"roles": [{"primary": true, "display": "D", "type": "t"}]}),
    );
    // Names with capitals.
    check(
        json!([{"op": "Replace", "value": {"DisplayName": "D", "Department": "X", "Manager.Value": "m2"}}]),
        json!({"displayName": "D", E: {"department": "X", "manager": {"value": "m2"}}}),
    );
    check(
        json!([{"op": "Add", "path": "Name.GivenName", "value": "X"}]),
        json!({"name": {"givenName": "X", "familyName": "J"}}),
    );
    // The manager in each form, and its removal.
    check(
        json!([{"op": "Add", "path": "manager", "value": "m2"}]),
        of(json!({"department": "D", "manager": {"value": "m2"}})),
    );
    check(json!([{"op": "Replace", "value": {"manager": {"value": ""}}}]), of(json!({"department": "D"})));
    check(json!([{"op": "Replace", "path": "manager", "value": [{"value": ""}]}]), of(json!({"department": "D"})));
    check(json!([{"op": "Replace", "path": "manager", "value": []}]), of(json!({"department": "D"})));
    // Without a path.
    check(json!([{"op": "replace", "value": {"externalId": "x1"}}]), json!({"externalId": "x1"}));
    check(
        json!([{"op": "replace", "value": {"displayName": "N", "name.givenName": "X",
            format!("{E}:department"): "Y"}}]),
        json!({"displayName": "N", "name": {"givenName": "X", "familyName": "J"},
            E: {"department": "Y", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
    // The e-mail that a filter selects: the whole, a part of it, and its `primary` as a string.
    check(
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@x"},
            {"op": "Replace", "path": "emails[type eq \"work\"].primary", "value": "True"}]),
        json!({"emails": [{"value": "n@x", "type": "work", "primary": true}, home]}),
    );
    check(
        json!([{"op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "F"},
            {"op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "Swaziland"}]),
        json!({"addresses": [{"type": "work", "formatted": "F", "country": "Swaziland"}]}),
    );
    check(json!([{"op": "Remove", "path": "emails[type eq \"home\"].value"}]), json!({"emails": [work]}));
}

/// A list of one stands for a single value, and an object with `value` for a simple one (Entra ID).
#[test]
fn wrapped_values_and_json_in_strings_are_read_as_what_they_hold() {
    check(json!([{"op": "replace", "path": "active", "value": ["false"]}]), json!({"active": false}));
    check(json!([{"op": "replace", "path": "title", "value": ["X"]}]), json!({"title": "X"}));
    check(json!([{"op": "replace", "path": "title", "value": []}]), json!({"title": null}));
    check(
        json!([{"op": "Replace", "path": "displayName", "value": [{"$ref": null, "value": "x"}]}]),
        json!({"displayName": "x"}),
    );
    check(json!([{"op": "replace", "value": {"active": [{"value": "False"}]}}]), json!({"active": false}));
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": ["n@x"]}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "n@x", "type": "home"}]}),
    );
    check(
        json!([{"op": "replace", "path": "emails", "value": ["{\"value\":\"z@x\"}", "{not json"]}]),
        json!({"emails": [{"value": "z@x"}, {"value": "{not json"}]}),
    );
    check(
        json!([{"op": "replace", "path": "manager", "value": "{\"value\":\"m2\"}"}]),
        json!({E: {"department": "D", "manager": {"value": "m2"}}}),
    );
    check(
        json!([{"op": "add", "path": "roles",
            "value": [{"type": "t", "value": "{\"value\":\"Admin\",\"type\":\"u\"}"}]}]),
        json!({"roles": [{"value": "Admin", "type": "t"}]}),
    );
}

/// Version 0.1.0 stored Entra ID's roles as the strings that it sends.
#[test]
fn stored_json_is_found_and_removed_as_what_it_describes() {
    let role = json!({"id": "1", "value": "Admin", "displayName": "A"}).to_string();
    let stored = json!({"userName": "b", "roles": [{"value": role}, {"value": "other"}]});
    for operation in [
        json!({"op": "Remove", "path": "roles", "value": [{"value": role}]}),
        json!({"op": "Remove", "path": format!("roles[value eq {}]", json!(role))}),
        json!({"op": "Remove", "path": "roles[value eq \"Admin\"]"}),
    ] {
        let after = patch(Kind::User, &stored, &json!([operation])).unwrap();
        assert_eq!(after["roles"], json!([{"value": "other"}]), "{operation}");
    }
    let filter = Filter::parse(resource_type(Kind::User), "roles.value eq \"Admin\"", &Dialect::strict()).unwrap();
    assert!(filter.matches(stored.as_object().unwrap()));
}

/// Apache Syncope and Entra ID.
#[test]
fn unusual_paths_and_values_of_clients_are_understood() {
    let left = json!({E: {"department": "D"}});
    check(json!([{"op": "Remove", "path": "manager[value eq \"m1\"]"}]), left);
    check(json!([{"op": "Remove", "path": "manager[value eq \"m2\"]"}]), json!({}));
    check(
        json!([{"op": "replace", "path": format!("{E}.department"), "value": "X"}]),
        json!({E: {"department": "X", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
    check(
        json!([{"op": "replace", "path": "emails", "value": {"emails": [{"value": "n@x"}]}}]),
        json!({"emails": [{"value": "n@x"}]}),
    );
    check(json!([{"op": "replace", "value": {"shoeSize": 43, "title": "X"}}]), json!({"title": "X"}));
    // Two values become the same (RFC 7643 §2.4).
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]",
            "value": {"value": "W@x", "type": "work", "display": "d"}}]),
        json!({"emails": [{"value": "W@x", "type": "work", "primary": true, "display": "d"}]}),
    );
}
