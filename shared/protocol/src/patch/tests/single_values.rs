//! Operations on single-valued attributes, simple and complex (RFC 7644 §3.5.2).

use schema::Kind;
use serde_json::json;

use super::{E, check, patch, user};

#[test]
fn operations_on_single_values_follow_the_rfc() {
    check(json!([]), json!({}));
    check(json!([{"op": "replace", "value": {"active": false}}]), json!({"active": false}));
    check(json!([{"op": "Replace", "path": "ACTIVE", "value": "False"}]), json!({"active": false}));
    check(json!([{"op": "add", "path": "nickName", "value": "N"}]), json!({"nickName": "N"}));
    check(
        json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "X"}]),
        json!({"title": "X"}),
    );
    check(json!([{"op": "remove", "path": "title"}]), json!({"title": null}));
    check(json!([{"op": "replace", "path": "title", "value": ""}]), json!({"title": null}));
    check(json!([{"op": "replace", "path": "title", "value": null}]), json!({"title": null}));
    check(json!([{"op": "remove", "path": "nickName"}]), json!({}));
    check(
        json!([{"op": "replace", "path": "password", "value": "secret"}, {"op": "add", "value": {"password": "x"}}]),
        json!({}),
    );
    // The core schema by its URI is the resource itself; adding an unassigned value removes nothing.
    check(
        json!([{"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"active": false}}}]),
        json!({"active": false}),
    );
    check(
        json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User", "value": {"title": "X"}}]),
        json!({"title": "X"}),
    );
    check(
        json!([{"op": "add", "path": "title", "value": null}, {"op": "add", "value": {"title": "", "emails": null}}]),
        json!({}),
    );
    // Okta, Entra ID: read-only and unknown attributes in a value are ignored.
    check(
        json!([{"op": "replace",
            "value": {"id": "x", "schemas": [], "meta": {}, "groups": [{"value": "g"}], "x": 1, "title": "X"}}]),
        json!({"title": "X"}),
    );
}

#[test]
fn complex_value_keeps_sub_attributes_that_are_not_mentioned() {
    check(
        json!([{"op": "replace", "path": "name", "value": {"givenName": "X"}}]),
        json!({"name": {"givenName": "X", "familyName": "J"}}),
    );
    check(json!([{"op": "replace", "value": {"name": {"givenName": null}}}]), json!({"name": {"familyName": "J"}}));
    check(json!([{"op": "replace", "path": "name", "value": {}}]), json!({}));
    check(
        json!([{"op": "replace", "path": "name.givenName", "value": "X"}]),
        json!({"name": {"givenName": "X", "familyName": "J"}}),
    );
    check(
        json!([{"op": "replace", "value": {"name.givenName": "X", format!("{E}:department"): "Y"}}]),
        json!({"name": {"givenName": "X", "familyName": "J"},
            E: {"department": "Y", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
    check(
        json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}]),
        json!({"name": null}),
    );
    check(json!([{"op": "remove", "path": "name"}]), json!({"name": null}));
}

#[test]
fn operations_on_extensions_and_managers_follow_the_rfc() {
    let left = json!({"department": "D"});
    check(
        json!([{"op": "add", "path": format!("{E}:division"), "value": "V"}]),
        json!({E: {"department": "D", "manager": {"value": "m1", "$ref": "../Users/m1"}, "division": "V"}}),
    );
    check(
        json!([{"op": "replace", "value": {E: {"department": "X"}}}]),
        json!({E: {"department": "X", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
    check(json!([{"op": "replace", "path": E, "value": {"manager": {"value": "m1"}}}]), json!({}));
    check(json!([{"op": "remove", "path": E}]), json!({E: null}));
    // Entra: by the name without the URI, as a string, in a list, and removed by an empty value.
    check(json!([{"op": "Remove", "path": "manager"}]), json!({E: left}));
    check(json!([{"op": "Replace", "path": format!("{E}:manager"), "value": {"value": ""}}]), json!({E: left}));
    check(
        json!([{"op": "Replace", "path": format!("{E}:manager"), "value": {"value": "", "$ref": "../Users/m1"}}]),
        json!({E: left}),
    );
    check(
        json!([{"op": "Add", "path": format!("{E}:manager"), "value": "m2"}]),
        json!({E: {"department": "D", "manager": {"value": "m2"}}}),
    );
    check(
        json!([{"op": "Replace", "path": "manager", "value": [{"$ref": "r", "value": "m2"}]}]),
        json!({E: {"department": "D", "manager": {"value": "m2", "$ref": "r"}}}),
    );
    check(
        json!([{"op": "replace", "path": format!("{E}:manager.value"), "value": "m2"}]),
        json!({E: {"department": "D", "manager": {"value": "m2"}}}),
    );
}

/// RFC 7644 §3.5.2.1: adding what is unassigned changes nothing, in whatever form it is sent.
#[test]
fn add_of_an_unassigned_value_keeps_what_is_there() {
    let manager = format!("{E}:manager");
    for (path, values) in [
        ("title", vec![json!([""]), json!([]), json!([null]), json!([{"value": ""}]), json!(null), json!("")]),
        ("name.givenName", vec![json!([""]), json!([]), json!(null)]),
        ("name", vec![json!([{}]), json!([]), json!({})]),
        ("emails", vec![json!([]), json!([""]), json!(null)]),
        ("emails[type eq \"work\"].value", vec![json!([""]), json!([]), json!(null)]),
        (manager.as_str(), vec![json!([""]), json!([{}]), json!([]), json!(null)]),
    ] {
        for value in values {
            check(json!([{"op": "add", "path": path, "value": value}]), json!({}));
        }
    }
    check(json!([{"op": "add", "value": {"title": [""]}}]), json!({}));
}

/// A list of one, and JSON in a string, mean what the object in them means.
#[test]
fn complex_value_has_the_same_meaning_in_every_form() {
    for value in [json!({"givenName": "A", "familyName": null}), json!({"familyName": ""}), json!({})] {
        let plain = patch(Kind::User, &user(), &json!([{"op": "replace", "path": "name", "value": value}])).unwrap();
        let listed = patch(Kind::User, &user(), &json!([{"op": "replace", "path": "name", "value": [value]}])).unwrap();
        assert_eq!(listed, plain, "{value}");
        if value != json!({}) {
            let text = json!([{"op": "replace", "path": "name", "value": value.to_string()}]);
            assert_eq!(patch(Kind::User, &user(), &text).unwrap(), plain, "{value}");
        }
    }
}
