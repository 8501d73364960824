//! Names in values that are paths, read-only, unknown, or mean the same attribute.

use schema::Kind;
use serde_json::{Value, json};

use super::{E, check, patch, user};

/// Applies operations to a user. Returns the status and the `scimType` of the error.
fn refusal(operations: Value) -> (u16, Option<&'static str>) {
    match patch(Kind::User, &user(), &operations) {
        Ok(patched) => panic!("{operations}: {}", Value::Object(patched)),
        Err(error) => (error.status(), error.scim_type()),
    }
}

#[test]
fn whole_path_in_the_object_of_an_extension_is_understood() {
    let changed = json!({E: {"department": "X", "manager": {"value": "m1", "$ref": "../Users/m1"}}});
    let content = json!({format!("{E}:department"): "X"});
    check(json!([{"op": "replace", "value": {"active": true, E: content}}]), changed.clone());
    check(json!([{"op": "replace", "path": E, "value": content}]), changed.clone());
    check(json!([{"op": "replace", "value": {"active": true, E: {E: {"department": "X"}}}}]), changed);
    check(
        json!([{"op": "replace", "value": {E: {"manager.value": "m2"}}}]),
        json!({E: {"department": "D", "manager": {"value": "m2"}}}),
    );
    // In the object of a complex attribute, a path would be lost.
    let inside =
        json!([{"op": "replace", "value": {"title": "X", "name": {"name.givenName": "X", "familyName": "Y"}}}]);
    assert_eq!(refusal(inside), (400, Some("invalidValue")));
}

#[test]
fn request_that_changes_only_what_is_read_only_or_unknown_is_refused() {
    let replace = |value: Value| json!([{"op": "replace", "value": value}]);
    let mutability = (400, Some("mutability"));
    assert_eq!(refusal(replace(json!({"groups": [{"value": "g"}]}))), mutability);
    assert_eq!(refusal(replace(json!({"id": "x", "groups": [{"value": "g"}]}))), mutability);
    assert_eq!(refusal(json!([{"op": "replace", "path": "manager", "value": {"displayName": "Boss"}}])), mutability);
    assert_eq!(refusal(replace(json!({E: {"manager": {"displayName": "Boss"}}}))), mutability);
    assert_eq!(refusal(replace(json!({"id": "x", "description": "D"}))), (400, Some("invalidPath")));
    // Okta sends the id with each change of a group's name.
    check(replace(json!({"id": "x", "title": "X"})), json!({"title": "X"}));
    check(replace(json!({"id": "x", "schemas": [], "meta": {}})), json!({}));
    let named = json!({"manager": {"value": "m2", "displayName": "Boss"}});
    check(replace(named), json!({E: {"department": "D", "manager": {"value": "m2"}}}));
    check(json!([{"op": "remove", "path": E}, {"op": "replace", "value": {"shoeSize": 1}}]), json!({E: null}));
}

#[test]
fn attribute_under_two_names_in_one_value_is_refused() {
    for value in [
        json!({"department": "A", format!("{E}:department"): "B"}),
        json!({"department": "A", E: {"department": "B"}}),
        json!({"name": {"givenName": "A"}, "name.givenName": "B"}),
        json!({"name.givenName": "A", "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName": "B"}),
        json!({"title": "A", "urn:ietf:params:scim:schemas:core:2.0:User": {"title": "B"}}),
        json!({"emails": [{"value": "n@x"}], "emails[type eq \"work\"].value": "m@x"}),
        json!({"emails[type eq \"work\"].value": "m@x", "Emails[TYPE eq \"work\"].value": "n@x"}),
    ] {
        assert_eq!(refusal(json!([{"op": "replace", "value": value}])), (400, Some("invalidSyntax")));
    }
    check(
        json!([{"op": "replace", "value": {"name": {"familyName": "Y"}, "name.givenName": "X"}}]),
        json!({"name": {"givenName": "X", "familyName": "Y"}}),
    );
    check(
        json!([{"op": "replace", "value": {"name": {"givenName": "X"}, "name.givenName": "X"}}]),
        json!({"name": {"givenName": "X", "familyName": "J"}}),
    );
    check(
        json!([{"op": "replace", "value": {"manager": "m2", "manager.displayName": "Boss"}}]),
        json!({E: {"department": "D", "manager": {"value": "m2"}}}),
    );
    // Entra ID.
    check(
        json!([{"op": "replace",
            "value": {"emails[type eq \"work\"].value": "m@x", "emails[type eq \"home\"].value": "n@x"}}]),
        json!({"emails": [{"value": "m@x", "type": "work", "primary": true}, {"value": "n@x", "type": "home"}]}),
    );
    let twice = json!([{"op": "replace", "value": {"title": "A"}}, {"op": "replace", "value": {"title": "B"}}]);
    check(twice, json!({"title": "B"}));
}

#[test]
fn removal_of_nothing_from_an_extension_is_refused() {
    let empty = json!([{"op": "remove", "path": E, "value": {}}, {"op": "replace", "path": "title", "value": "X"}]);
    assert_eq!(refusal(empty), (400, Some("invalidValue")));
    check(
        json!([{"op": "remove", "path": E, "value": {"department": null}}]),
        json!({E: {"manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
}

/// Which address is primary may have changed since the client has read it.
#[test]
fn value_to_remove_is_found_whether_it_is_primary_or_not() {
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    for primary in [true, false] {
        let value = json!([{"value": "h@x", "primary": primary}]);
        for path in ["emails", "emails[type eq \"home\"]"] {
            check(json!([{"op": "Remove", "path": path, "value": value}]), json!({"emails": [work]}));
        }
    }
    // The same address twice: the primary one is meant.
    let mut twins = user();
    twins["emails"] = json!([work, {"value": "w@x", "type": "home"}]);
    let value = json!([{"value": "w@x", "primary": true}]);
    let operations = json!([{"op": "Remove", "path": "emails", "value": value}]);
    let left = patch(Kind::User, &twins, &operations).unwrap();
    assert_eq!(left["emails"], json!([{"value": "w@x", "type": "home"}]));
}
