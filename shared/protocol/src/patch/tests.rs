//! Tables of operations on one user and one group: how they change it, and how they are rejected.

use proptest::prelude::*;
use schema::{Dialect, Kind, resource_type};
use serde_json::{Value, json};

use super::*;
use crate::Filter;

const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> Value {
    json!({"userName": "b", "name": {"givenName": "B", "familyName": "J"}, "active": true, "title": "T",
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        E: {"department": "D", "manager": {"value": "m1", "$ref": "../Users/m1"}}})
}

fn parse(kind: Kind, operations: &Value) -> Result<Patch, Error> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    Patch::parse(resource_type(kind), body.as_object().unwrap(), &Dialect::lenient())
}

fn patch(kind: Kind, before: &Value, operations: &Value) -> Result<Object, Error> {
    parse(kind, operations)?.apply(before.as_object().unwrap())
}

/// Applies operations to [`user`]; `expect` are the attributes that they change; null for a removed one.
fn check(operations: Value, expect: Value) {
    let patched = patch(Kind::User, &user(), &operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
    let mut want = user();
    for (name, value) in expect.as_object().unwrap() {
        object::put(want.as_object_mut().unwrap(), name, (!value.is_null()).then(|| value.clone()));
    }
    assert_eq!(Value::Object(patched), want, "{operations}");
}

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
        json!([{"op": "replace", "value": {"id": "x", "schemas": [], "meta": {}, "groups": [{"value": "g"}], "x": 1, "title": "X"}}]),
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
        json!({"name": {"givenName": "X", "familyName": "J"}, E: {"department": "Y", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
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

#[test]
fn operations_on_multi_valued_attributes_follow_the_rfc() {
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    let home = json!({"value": "h@x", "type": "home"});
    let demoted = json!({"value": "w@x", "type": "work", "primary": false});
    check(
        json!([{"op": "add", "path": "emails", "value": [{"value": "n@x"}]}]),
        json!({"emails": [work, home, {"value": "n@x"}]}),
    );
    check(
        json!([{"op": "add", "value": {"emails": {"value": "n@x", "primary": true}}}]),
        json!({"emails": [demoted, home, {"value": "n@x", "primary": true}]}),
    );
    check(
        json!([{"op": "add", "path": "emails", "value": [{"value": "H@X", "type": "HOME"}]}]),
        json!({"emails": [work, {"value": "H@X", "type": "HOME"}]}),
    );
    check(json!([{"op": "add", "path": "emails", "value": [{"value": "h@x", "type": "home"}]}]), json!({}));
    check(
        json!([{"op": "replace", "path": "emails", "value": [{"value": "n@x"}]}]),
        json!({"emails": [{"value": "n@x"}]}),
    );
    check(json!([{"op": "replace", "path": "emails", "value": []}]), json!({"emails": null}));
    check(json!([{"op": "remove", "path": "emails"}]), json!({"emails": null}));
    check(
        json!([{"op": "Remove", "path": "emails", "value": [{"value": "H@x", "$ref": null}]}]),
        json!({"emails": [work]}),
    );
    check(json!([{"op": "Remove", "path": "emails", "value": []}]), json!({}));
    check(
        json!([{"op": "Remove", "path": "emails", "value": [{"value": "h@x", "primary": false}]}]),
        json!({"emails": [work]}),
    );
    // The display that Entra ID sends with a value need not equal the stored one.
    check(
        json!([{"op": "Remove", "path": "emails", "value": [{"value": "h@x", "display": "other"}]}]),
        json!({"emails": [work]}),
    );
    check(json!([{"op": "remove", "path": "emails.display"}]), json!({}));
    check(
        json!([{"op": "remove", "path": "emails.type"}]),
        json!({"emails": [{"value": "w@x", "primary": true}, {"value": "h@x"}]}),
    );
    check(
        json!([{"op": "add", "path": "phoneNumbers.value", "value": "1"}]),
        json!({"phoneNumbers": [{"value": "1"}]}),
    );
    check(json!([{"op": "add", "path": "roles", "value": ["Admin"]}]), json!({"roles": [{"value": "Admin"}]}));
}

#[test]
fn operations_with_value_filters_follow_the_rfc() {
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    let home = json!({"value": "h@x", "type": "home"});
    check(
        json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@x"}]),
        json!({"emails": [{"value": "n@x", "type": "work", "primary": true}, home]}),
    );
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home", "primary": true}]}),
    );
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "n@x"}}]),
        json!({"emails": [work, {"value": "n@x"}]}),
    );
    check(
        json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"display": "d"}}]),
        json!({"emails": [work, {"value": "h@x", "type": "home", "display": "d"}]}),
    );
    check(
        json!([{"op": "remove", "path": "emails[value ew \"@x\" and not (type eq \"work\")]"}]),
        json!({"emails": [work]}),
    );
    check(
        json!([{"op": "remove", "path": "emails[type eq \"home\"].type"}]),
        json!({"emails": [work, {"value": "h@x"}]}),
    );
    // An e-mail without its value is removed, and emptying one that does not exist adds none.
    check(json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": ""}]), json!({"emails": [work]}));
    check(json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": ""}]), json!({}));
    // Entra: a value that does not exist is created.
    check(
        json!([{"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"}]),
        json!({"phoneNumbers": [{"type": "mobile", "value": "1"}]}),
    );
    check(
        json!([{"op": "Replace", "path": "emails[type eq \"other\"].value", "value": "o@x"}, {"op": "Replace", "path": "emails[type eq \"other\"].primary", "value": "True"}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false}, home, {"type": "other", "value": "o@x", "primary": true}]}),
    );
    check(
        json!([{"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "r"}]),
        json!({"roles": [{"primary": true, "value": "r"}]}),
    );
    check(
        json!([{"op": "replace", "value": {"emails[type eq \"work\"].value": "n@x"}}]),
        json!({"emails": [{"value": "n@x", "type": "work", "primary": true}, home]}),
    );
}

/// What Entra ID sends, without and with its flag `aadOptscim062020`.
#[test]
fn operations_of_entra_id_are_accepted() {
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    let home = json!({"value": "h@x", "type": "home"});
    let of = |rest: Value| json!({E: rest});
    // Roles as JSON in a string (AppRoleAssignmentsComplex) are read as the objects that they describe.
    let role = "{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"Administrator\"}";
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]}, {"op": "Add", "path": "roles", "value": [{"value": role}]}]),
        json!({"roles": [{"value": "Admin", "display": "Administrator"}]}),
    );
    let by_filter = format!("roles[value eq {}]", Value::from(role));
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]}, {"op": "Remove", "path": by_filter}]),
        json!({}),
    );
    check(
        json!([{"op": "Add", "path": "roles", "value": [{"value": role}]}, {"op": "Remove", "path": "roles", "value": [{"value": role}]}]),
        json!({}),
    );
    check(
        json!([{"op": "Replace", "path": "Roles[Primary eq \"True\"].Display", "value": "D"}, {"op": "Replace", "path": "roles[primary eq \"True\"].type", "value": "t"}]),
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
        json!([{"op": "replace", "value": {"displayName": "N", "name.givenName": "X", format!("{E}:department"): "Y"}}]),
        json!({"displayName": "N", "name": {"givenName": "X", "familyName": "J"}, E: {"department": "Y", "manager": {"value": "m1", "$ref": "../Users/m1"}}}),
    );
    // The e-mail that a filter selects: the whole, a part of it, and its `primary` as a string.
    check(
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@x"}, {"op": "Replace", "path": "emails[type eq \"work\"].primary", "value": "True"}]),
        json!({"emails": [{"value": "n@x", "type": "work", "primary": true}, home]}),
    );
    check(
        json!([{"op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "F"}, {"op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "Swaziland"}]),
        json!({"addresses": [{"type": "work", "formatted": "F", "country": "Swaziland"}]}),
    );
    check(json!([{"op": "Remove", "path": "emails[type eq \"home\"].value"}]), json!({"emails": [work]}));
}

#[test]
fn remove_with_value_removes_only_that_value() {
    let remove = |path: &str, value: Value| json!([{"op": "remove", "path": path, "value": value}]);
    let manager = format!("{E}:manager");
    let work = json!([{"value": "w@x", "type": "work", "primary": true}]);
    let left = |manager: Value| json!({E: manager});
    for (path, value, gone) in [
        ("title", json!("t"), json!({"title": null})),
        ("title", json!(""), json!({"title": null})),
        ("title", json!("other"), json!({})),
        ("active", json!(false), json!({})),
        ("name", json!({"givenName": "B"}), json!({"name": null})),
        ("name", json!({"givenName": "C"}), json!({})),
        ("name.givenName", json!("B"), json!({"name": {"familyName": "J"}})),
        ("name.givenName", json!("C"), json!({})),
        (&manager, json!([{"value": "m1", "$ref": null}]), left(json!({"department": "D"}))),
        (&manager, json!("m2"), json!({})),
        (&format!("{manager}.value"), json!("m2"), json!({})),
        (E, json!({"department": "X"}), json!({})),
        (E, json!({"department": "D"}), left(json!({"manager": {"value": "m1", "$ref": "../Users/m1"}}))),
        ("emails[type eq \"home\"]", json!({"value": "h@x"}), json!({"emails": work})),
        ("emails[type eq \"home\"]", json!([{"value": "h@x"}]), json!({"emails": work})),
        ("emails[type eq \"home\"]", json!([{"value": "w@x"}]), json!({})),
        ("emails[type eq \"home\"].value", json!("H@x"), json!({"emails": work})),
        ("emails[type eq \"home\"].value", json!("w@x"), json!({})),
        ("emails.value", json!("h@x"), json!({"emails": work})),
    ] {
        check(remove(path, value), gone);
    }
    // A manager who has replaced the former one stays when the former one is removed.
    check(
        json!([{"op": "replace", "path": manager, "value": "m2"}, {"op": "remove", "path": manager, "value": "m1"}]),
        left(json!({"department": "D", "manager": {"value": "m2"}})),
    );
    for (path, value) in [("title", json!(5)), ("name", json!("B")), (manager.as_str(), json!({"$ref": "../Users/m1"}))]
    {
        let error = patch(Kind::User, &user(), &remove(path, value.clone())).unwrap_err();
        assert_eq!(error.scim_type(), Some("invalidValue"), "{path} {value}: {error}");
    }
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
        json!([{"op": "add", "path": "roles", "value": [{"type": "t", "value": "{\"value\":\"Admin\",\"type\":\"u\"}"}]}]),
        json!({"roles": [{"value": "Admin", "type": "t"}]}),
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

/// RFC 7643 §2.4: two values with the same `value` and `type` become one, and nobody loses `primary`.
#[test]
fn values_that_become_equal_are_merged() {
    let patched = |emails: Value, path: &str, value: Value| {
        let before = json!({"userName": "b", "emails": emails});
        let operations = json!([{"op": "Replace", "path": path, "value": value}]);
        patch(Kind::User, &before, &operations).unwrap()["emails"].clone()
    };
    let (a, b) = (
        json!({"value": "a", "type": "work", "primary": true}),
        json!({"value": "b", "type": "work", "primary": false}),
    );
    let one = json!([{"value": "n", "type": "work", "primary": true}]);
    assert_eq!(patched(json!([a, b]), "emails[type eq \"work\"].value", json!("n")), one);
    assert_eq!(patched(json!([b, a]), "emails[type eq \"work\"].value", json!("n")), one);
    // Values that the path does not select stay as they are.
    let twins = json!([{"value": "x", "type": "work", "display": "A"}, {"value": "x", "type": "work", "display": "B"}]);
    let home = json!({"value": "h", "type": "home"});
    let after = patched(json!([twins[0], twins[1], home]), "emails[type eq \"home\"].value", json!("i"));
    assert_eq!(after, json!([twins[0], twins[1], {"value": "i", "type": "home"}]));
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
    check(json!([{"op": "replace", "value": {"id": "x", "shoeSize": 43}}]), json!({}));
    // Two values become the same (RFC 7643 §2.4).
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "W@x", "type": "work", "display": "d"}}]),
        json!({"emails": [{"value": "W@x", "type": "work", "primary": true, "display": "d"}]}),
    );
}

/// RFC 7644 §3.5.2.2 asks for success when a member to remove is not there; all removals follow that rule.
#[test]
fn removal_of_what_is_not_there_succeeds() {
    for path in [
        "nickName",
        "name.middleName",
        "phoneNumbers",
        "phoneNumbers.value",
        "phoneNumbers[type eq \"mobile\"]",
        "phoneNumbers[type eq \"mobile\"].value",
        "emails[value eq \"gone@x\"]",
        "emails[type sw \"o\"].display",
        "emails[type eq \"work\"].display",
    ] {
        check(json!([{"op": "remove", "path": path}]), json!({}));
    }
    check(
        json!([{"op": "Replace", "path": "active", "value": "False"}, {"op": "Remove", "path": "phoneNumbers[type eq \"mobile\"].value"}]),
        json!({"active": false}),
    );
    check(
        json!([{"op": "remove", "path": "active"}, {"op": "add", "path": "active", "value": false}]),
        json!({"active": false}),
    );
}

/// The computation grows with operations, values and filters; a small body must not keep a function busy.
#[test]
fn operations_with_too_much_work_return_413() {
    let roles = |count: usize| (0..count).map(|at| json!({"value": format!("role-{at}")})).collect::<Value>();
    let user = json!({"userName": "b", "roles": roles(20_000)});
    let status = |operations: Value| patch(Kind::User, &user, &operations).map(|_| 200).map_err(|error| error.status());
    let terms = (0..220).map(|at| format!("value eq \"r{at}\"")).collect::<Vec<_>>().join(" or ");
    let filtered = json!({"op": "remove", "path": format!("roles[{terms}].display")});
    assert_eq!(status(Value::from(vec![filtered; 10])), Err(413));
    let long = json!({"op": "replace", "path": "roles[value pr].display", "value": "x".repeat(1000)});
    assert_eq!(status(json!([long])), Err(413), "20 MB in one attribute");
    assert_eq!(status(Value::from(vec![json!({"op": "remove", "path": "roles.display"}); 1000])), Err(413));
    let values = roles(20_000);
    let both = json!({"op": "remove", "path": "roles[value pr]", "value": values});
    assert_eq!(status(json!([both])), Ok(200), "the values are prepared once");
    let long = json!({"userName": "b", "name": {"familyName": "é".repeat(190_000)}});
    let terms = (0..140).map(|at| format!("familyName co \"{at}\"")).collect::<Vec<_>>().join(" or ");
    let filtered = json!([{"op": "remove", "path": format!("name[{terms}]")}]);
    assert_eq!(patch(Kind::User, &long, &filtered).map(|_| 200), Ok(200));
    assert_eq!(patch(Kind::User, &long, &Value::from(vec![filtered[0].clone(); 10])).unwrap_err().status(), 413);
    // What a client may need stays possible.
    assert_eq!(status(json!([{"op": "remove", "path": "roles", "value": roles(20_000)}])), Ok(200));
    assert_eq!(status(json!([{"op": "replace", "path": "roles[value pr].display", "value": "x"}])), Ok(200));
}

#[test]
fn dialects_differ_in_what_they_accept() {
    let status = |dialect: &Dialect, operation: &Value| {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
        let parsed = Patch::parse(resource_type(Kind::User), body.as_object().unwrap(), dialect);
        parsed.and_then(|patch| patch.apply(user().as_object().unwrap())).map_err(|error| error.scim_type().unwrap())
    };
    let strict = Dialect::strict();
    let interop = Dialect::interop();
    for (operation, refusal) in [
        (json!({"op": "replace", "value": {"title": "X"}}), "invalidSyntax"),
        (json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "n@x"}}), "invalidPath"),
        (json!({"op": "replace", "path": "emails[value ew \"x\"].display", "value": "d"}), "invalidFilter"),
        (json!({"op": "add", "path": "emails", "value": {"value": "n@x"}}), "invalidSyntax"),
    ] {
        assert!(status(&strict, &operation).is_ok(), "{operation}");
        assert_eq!(status(&interop, &operation), Err(refusal), "{operation}");
    }
    let name = json!({"op": "replace", "path": "name", "value": {"givenName": "X"}});
    assert_eq!(status(&strict, &name).unwrap()["name"], json!({"givenName": "X", "familyName": "J"}));
    assert_eq!(status(&interop, &name).unwrap()["name"], json!({"givenName": "X"}));
    for dialect in [strict, interop] {
        let empty = status(&dialect, &json!({"op": "replace", "path": "title", "value": ""})).unwrap();
        assert_eq!(empty["title"], "");
        let part = status(&dialect, &json!({"op": "remove", "path": "emails[type eq \"home\"].value"})).unwrap();
        assert_eq!(part["emails"][1], json!({"type": "home"}));
        let removed = status(&dialect, &json!({"op": "remove", "path": "emails[type eq \"other\"]"}));
        assert!(removed.is_ok());
    }
}

#[test]
fn element_created_for_a_filter_matches_it() {
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    for (path, value) in [
        ("emails[value eq \"old@x\"].value", json!("new@x")),
        ("emails[type eq \"other\" and type eq \"third\"].value", json!("n@x")),
        ("emails[type eq \"other\"]", json!({"type": "third", "value": "n@x"})),
        ("emails[type eq \"other\"].type", json!("third")),
        ("emails[primary eq true and type eq \"other\"].primary", json!(false)),
        ("emails[type eq \"other\"].primary", json!(true)),
        ("emails[type eq \"other\"].type", json!("OTHER")),
        ("addresses[type eq \"work\"].primary", json!(true)),
    ] {
        let error = patch(Kind::User, &user(), &add(path, value)).unwrap_err();
        assert_eq!(error.scim_type(), Some("noTarget"), "{path}: {error}");
    }
    let value = |value: &str| json!({"op": "replace", "path": "emails[type eq \"other\"].value", "value": value});
    let other = |sub: &str, value: Value| json!({"op": "replace", "path": format!("emails[type eq \"other\"].{sub}"), "value": value});
    let (work, home) =
        (json!({"value": "w@x", "type": "work", "primary": true}), json!({"value": "h@x", "type": "home"}));
    // Case does not count, and the order of the operations does not.
    for sent in
        [json!([other("type", json!("OTHER")), value("o@x")]), json!([value("o@x"), other("type", json!("OTHER"))])]
    {
        check(sent, json!({"emails": [work, home, {"type": "OTHER", "value": "o@x"}]}));
    }
    let demoted = json!({"value": "w@x", "type": "work", "primary": false});
    check(
        json!([other("primary", json!(true)), value("o@x")]),
        json!({"emails": [demoted, home, {"type": "other", "primary": true, "value": "o@x"}]}),
    );
    // The value that it would qualify is removed in the same request, before or after it.
    let mobile = |op: &str, sub: &str, value: Value| json!({"op": op, "path": format!("phoneNumbers[type eq \"mobile\"].{sub}"), "value": value});
    let with_mobile = json!({"userName": "u", "active": true, "phoneNumbers": [{"value": "1", "type": "mobile"}]});
    for removal in [mobile("remove", "value", Value::Null), mobile("replace", "value", json!(""))] {
        let primary = mobile("replace", "primary", json!("True"));
        for sent in [json!([removal, primary]), json!([primary, removal])] {
            for before in [&with_mobile, &json!({"userName": "u", "active": true})] {
                let patched = patch(Kind::User, before, &sent).map(Value::Object);
                assert_eq!(patched, Ok(json!({"userName": "u", "active": true})), "{sent}");
            }
        }
    }
    // An element that lost its last sub-attribute is still there.
    let street = json!([
        {"op": "remove", "path": "addresses[type eq \"work\"].streetAddress"},
        {"op": "replace", "path": "addresses[type eq \"work\"].primary", "value": "True"},
    ]);
    let address = json!({"userName": "u", "addresses": [{"type": "work", "streetAddress": "S"}]});
    let patched = patch(Kind::User, &address, &street).map(Value::Object);
    assert_eq!(patched, Ok(json!({"userName": "u", "addresses": [{"type": "work", "primary": true}]})));
    // What was assigned is removed again, so nothing is left to qualify.
    for removal in [
        json!({"op": "remove", "path": "emails[type eq \"other\"]"}),
        json!({"op": "remove", "path": "emails[type eq \"other\"].value"}),
        json!({"op": "remove", "path": "emails"}),
    ] {
        let sent = json!([value("o@x"), removal, other("primary", json!(true))]);
        let emails = patch(Kind::User, &user(), &sent).unwrap().get("emails").map(ToString::to_string);
        assert!(emails.is_none_or(|emails| !emails.contains("other")), "{sent}");
    }
    // Filters of different text describe the same element.
    for (path, filter) in [
        ("emails", "type eq \"OTHER\" and primary eq true"),
        ("Emails", "primary eq true and type eq \"other\""),
        ("emails", "type eq \"other\" and primary eq true"),
    ] {
        let set = |filter: &str, sub: &str, value: Value| json!({"op": "replace", "path": format!("{path}[{filter}].{sub}"), "value": value});
        let first = "primary eq true and type eq \"Other\"";
        let expected = json!({"value": "o@x", "type": "Other", "primary": true});
        let sent = json!([set(first, "type", json!("Other")), set(filter, "value", json!("o@x"))]);
        let emails = patch(Kind::User, &user(), &sent).unwrap().get("emails").cloned().unwrap_or_default();
        let added = emails.as_array().and_then(|emails| emails.last()).cloned().unwrap_or_default();
        assert_eq!(added, expected, "{sent}");
        let removed = json!([set(first, "value", json!("o@x")), {"op": "remove", "path": format!("{path}[{filter}].value")}, set(first, "type", json!("Other"))]);
        let emails = patch(Kind::User, &user(), &removed).unwrap().get("emails").map(ToString::to_string);
        assert!(emails.is_none_or(|emails| !emails.contains("Other")), "{removed}");
    }
    // A whole element without a value is none.
    for (path, value) in
        [("roles[primary eq true]", json!({"value": ""})), ("emails[type eq \"other\"]", json!({"value": ""}))]
    {
        check(json!([{"op": "add", "path": path, "value": value}]), json!({}));
    }
    let qualified = add("emails[type eq \"other\"]", json!({"type": "other", "primary": true}));
    assert_eq!(patch(Kind::User, &user(), &qualified).unwrap_err().scim_type(), Some("noTarget"));
    // An element that was there without a value can be changed.
    let empty = json!({"userName": "u", "addresses": [{"type": "work"}]});
    let primary = json!([{"op": "replace", "path": "addresses[type eq \"work\"].primary", "value": true}]);
    assert!(patch(Kind::User, &empty, &primary).is_ok());
}

/// What does not exist is left out only beside what does: without its value, an element would be lost, or its list.
#[test]
fn element_without_content_is_refused_and_removes_nothing() {
    for (path, value) in [
        ("emails", json!([{"email": "n@x", "primary": true}])),
        ("emails", json!([{"type": "work", "mail": "n@x"}])),
        ("emails", json!([{"type": "work", "mail": "n@x", "value": null}])),
        ("emails", json!([{"value": "", "mail": "n@x"}])),
        ("emails", json!([{"type": "work", "mail": "n@x", "display": "N"}])),
        ("emails", json!([{"primary": true, "type": ""}])),
        ("phoneNumbers", json!([{"number": "+1", "primary": true}])),
        ("roles", json!([{"name": "admin", "primary": true}])),
        ("addresses", json!([{"type": "work", "street": "S"}])),
        ("addresses", json!([{"type": "work", "street": "S", "locality": ""}])),
        ("emails[type eq \"work\"]", json!({"email": "n@x", "primary": true})),
        ("emails", json!(["{\"email\": \"z@x\"}"])),
        ("emails", json!(["{\"email\": \"z@x\", \"type\": \"work\"}"])),
        ("roles", json!("{\"id\": \"1\"}")),
        ("manager", json!("{\"id\": \"m2\"}")),
        ("manager", json!({"id": "m2", "displayName": "M"})),
        ("emails", json!(["[null]"])),
        ("emails", json!(["[1]"])),
        ("emails", json!(["{\\\"value\\\": \\\"z@x\\\"}"])),
    ] {
        for op in ["add", "replace"] {
            let patched = patch(Kind::User, &user(), &json!([{"op": op, "path": path, "value": value}]));
            assert_eq!(patched.map_err(|error| error.status()), Err(400), "{op} {path} {value}");
        }
    }
    for value in [json!([{"type": "work", "email": "w@x"}]), json!([{"primary": true, "mail": "w@x"}])] {
        let patched = patch(Kind::User, &user(), &json!([{"op": "remove", "path": "emails", "value": value}]));
        assert_eq!(patched.map_err(|error| error.status()), Err(400), "remove {value}");
    }
    // What is empty is not lost, a role may have only a name, and an address may have only empty parts.
    let kept = |attribute: &str, value: Value, expect: Value| {
        let expect = Value::Object(Object::from_iter([(attribute.to_owned(), expect)]));
        check(json!([{"op": "replace", "path": attribute, "value": value}]), expect);
    };
    kept(
        "emails",
        json!([{"type": "work", "primary": true, "$ref": null}]),
        json!([{"type": "work", "primary": true}]),
    );
    kept("roles", json!([{"display": "Admin", "id": "1"}]), json!([{"display": "Admin"}]));
    kept("addresses", json!([{"primary": true, "streetAddress": "", "country": null}]), Value::Null);
    // Beside a value, and beside one that is unassigned, it is left out.
    check(
        json!([{"op": "replace", "path": "emails", "value": [{"value": "n@x", "type": "work", "id": 1}]}]),
        json!({"emails": [{"value": "n@x", "type": "work"}]}),
    );
    check(
        json!([{"op": "replace", "path": "emails", "value": [{"value": "", "primary": true, "id": 1}]}]),
        json!({"emails": null}),
    );
    check(json!([{"op": "replace", "path": "roles", "value": ["[admin]"]}]), json!({"roles": [{"value": "[admin]"}]}));
}

/// RFC 7644 §3.5.2.3: every matching element is replaced, and keeps none of its former sub-attributes.
#[test]
fn replace_replaces_whole_values_and_keeps_last_primary() {
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"display": "d"}}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": true}, {"display": "d"}]}),
    );
    check(
        json!([{"op": "replace", "path": "emails[value ew \"x\"].primary", "value": true}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home", "primary": true}]}),
    );
    check(json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": null}]), json!({}));
}

/// RFC 7644 §3.5.2.2: removing a required attribute is an error with `mutability`, whichever way the path names it.
#[test]
fn removal_of_required_attribute_is_mutability_error() {
    for path in ["userName", "USERNAME", "urn:ietf:params:scim:schemas:core:2.0:User:userName"] {
        let error = patch(Kind::User, &user(), &json!([{"op": "remove", "path": path}])).unwrap_err();
        assert_eq!(error.scim_type(), Some("mutability"), "{path}");
    }
    // Another attribute whose name ends the same way was removed; the user name was emptied.
    let both = json!([{"op": "remove", "path": "name"}, {"op": "replace", "path": "userName", "value": null}]);
    assert_eq!(patch(Kind::User, &user(), &both).unwrap_err().scim_type(), Some("invalidValue"));
}

#[test]
fn impossible_operation_is_refused_with_detail() {
    for (operations, keyword) in [
        (json!([{"op": "move", "path": "title"}]), "invalidSyntax"),
        (json!([{"path": "title", "value": 1}]), "invalidSyntax"),
        (json!(["x"]), "invalidSyntax"),
        (json!({"op": "add"}), "invalidSyntax"),
        (json!([{"op": "add", "path": 5, "value": 1}]), "invalidSyntax"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "replace", "value": "x"}]), "invalidValue"),
        (json!([{"op": "add", "path": "title"}]), "invalidValue"),
        (json!([{"op": "add", "path": "title", "value": 5}]), "invalidValue"),
        (json!([{"op": "add", "path": "nope", "value": 5}]), "invalidPath"),
        (json!([{"op": "add", "path": "emails[type eq", "value": 5}]), "invalidPath"),
        (json!([{"op": "add", "path": "name[givenName eq \"B\"]", "value": {}}]), "invalidPath"),
        (json!([{"op": "replace", "value": {"shoeSize": 43}}]), "invalidPath"),
        (json!([{"op": "add", "value": {E: {"desk": 1}}}, {"op": "replace", "value": {"x": 1}}]), "invalidPath"),
        (json!([{"op": "remove", "path": "emails", "value": ""}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails", "value": [""]}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails", "value": {"emails": null}}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails[type eq \"work\"]", "value": ""}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails[type eq \"work\"]", "value": []}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails[type eq \"work\"]", "value": {"value": ""}}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails[type eq \"work\"]", "value": [{"value": null}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "emails.primary", "value": true}]), "invalidPath"),
        (json!([{"op": "replace", "path": "roles.primary", "value": true}]), "noTarget"),
        (json!([{"op": "replace", "path": "roles[primary eq true].primary", "value": "True"}]), "noTarget"),
        (json!([{"op": "replace", "path": E, "value": {"nope": 1}}]), "invalidPath"),
        (json!([{"op": "replace", "path": "title", "value": {"value": "x"}}]), "invalidValue"),
        (json!([{"op": "replace", "path": "roles", "value": "{}"}]), "invalidValue"),
        (json!([{"op": "add", "path": "roles", "value": [{"value": "{\"value\":\"z\""}]}]), "invalidValue"),
        (json!([{"op": "add", "path": "emails", "value": [{"value": "\"z@x\""}]}]), "invalidValue"),
        (json!([{"op": "add", "path": "emails", "value": [{"value": "null"}]}]), "invalidValue"),
        (json!([{"op": "add", "path": "emails.value", "value": "x"}]), "invalidPath"),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
        (json!([{"op": "replace", "path": "groups", "value": []}]), "mutability"),
        (json!([{"op": "replace", "path": "meta.created", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "manager.displayName", "value": "x"}]), "mutability"),
        (json!([{"op": "remove", "path": "userName"}]), "mutability"),
        (json!([{"op": "replace", "path": "userName", "value": ""}]), "invalidValue"),
        (json!([{"op": "replace", "value": {"title": "a", "TITLE": "b"}}]), "invalidSyntax"),
        (json!([{"op": "add", "OP": "remove", "path": "title", "value": "x"}]), "invalidSyntax"),
        (json!([{"op": "replace", "path": "emails", "value": [{"email": "x"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "emails", "value": {}}]), "invalidValue"),
        (json!([{"op": "remove", "path": "emails", "value": [{"$ref": "x"}]}]), "invalidValue"),
        (json!([{"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}]), "mutability"),
        (json!([{"op": "replace", "path": "emails[type eq \"other\"]", "value": {"value": "x"}}]), "noTarget"),
        (json!([{"op": "replace", "path": "emails[type sw \"o\"].value", "value": "x"}]), "noTarget"),
        (json!([{"op": "replace", "path": "roles[value eq \"admin\"].display", "value": "x"}]), "noTarget"),
        (json!([{"op": "replace", "path": "emails[value eq \"gone@x\"].type", "value": "work"}]), "noTarget"),
        (json!([{"op": "add", "path": "emails[display eq \"D\"].value", "value": "n@x"}]), "noTarget"),
        (json!([{"op": "replace", "path": "emails[value eq \"gone@x\"].display", "value": ""}]), "noTarget"),
        (json!([{"op": "remove", "path": "active"}]), "invalidValue"),
        (json!([{"op": "remove", "path": "active", "value": "True"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": null}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": ""}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": []}]), "invalidValue"),
        (json!([{"op": "replace", "value": {"active": null, "title": "X"}}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": ["true", "false"]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": [{"value": "true", "type": "x"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "title", "value": {"value": {"value": "x"}}}]), "invalidValue"),
        (json!([{"op": "replace", "path": "emails", "value": "[{\"value\":\"z@x\"}]"}]), "invalidValue"),
        (
            json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "{\"value\":\"z@x\"}"}]),
            "invalidValue",
        ),
        (json!([{"op": "replace", "path": "manager.value", "value": "{\"value\":\"m2\"}"}]), "invalidValue"),
        (json!([{"op": "add", "path": "roles", "value": [{"value": "{\"id\":\"1\"}"}]}]), "invalidValue"),
        (json!([{"op": "add", "path": "emails", "value": [{"primary": true}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "remove", "path": "nope"}]), "invalidPath"),
    ] {
        let error = patch(Kind::User, &user(), &operations);
        assert_eq!(error.map_err(|error| error.scim_type()), Err(Some(keyword)), "{operations}");
    }
    let many = Value::from(vec![json!({"op": "remove", "path": "title"}); 1001]);
    assert_eq!(patch(Kind::User, &user(), &many).map_err(|error| error.status()).map(|_| ()), Err(413));
}

#[test]
fn add_beyond_value_limit_is_refused() {
    let emails = |count: usize| (0..count).map(|at| json!({"value": format!("{at}@x")})).collect::<Value>();
    let add = |count| patch(Kind::User, &user(), &json!([{"op": "add", "path": "emails", "value": emails(count)}]));
    assert_eq!(add(998).map(|patched| patched["emails"].as_array().unwrap().len()), Ok(1000));
    assert_eq!(add(999).map(|_| ()).map_err(|error| error.status()), Err(413));
}

/// A lenient dialect records that a value had a read-only part; a strict one rejects it.
#[test]
fn read_only_sub_attribute_is_ignored_by_lenient_and_refused_by_strict_dialect() {
    for value in [json!({"value": "m2", "displayName": "M"}), json!([{"value": "m2", "DISPLAYNAME": "M"}])] {
        check(
            json!([{"op": "replace", "path": format!("{E}:manager"), "value": value}]),
            json!({E: {"department": "D", "manager": {"value": "m2"}}}),
        );
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": format!("{E}:manager"), "value": value}]});
        let body = body.as_object().unwrap();
        let lenient = Dialect::lenient();
        Patch::parse(resource_type(Kind::User), body, &lenient).unwrap();
        assert_eq!(lenient.used().map(|it| it.info().name).collect::<Vec<_>>(), ["readOnlyValues"]);
        let refused = Patch::parse(resource_type(Kind::User), body, &Dialect::strict()).unwrap_err();
        assert_eq!(refused.scim_type(), Some("mutability"));
    }
}

#[test]
fn operations_on_members_become_member_operations() {
    let group = json!({"displayName": "G"});
    let run = |operations: Value| patch(Kind::Group, &group, &operations);
    for (operations, expect) in [
        (
            json!([{"op": "add", "path": "members", "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000a", "display": null}]}]),
            "[Add([Member { id: \"0191b1c8-7a60-7c3e-8a3e-00000000000a\", display: None, stated_type: Nothing }])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]"}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\" or value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000b\"]"}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\", \"0191b1c8-7a60-7c3e-8a3e-00000000000b\"])]",
        ),
        (
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "0191b1c8-7a60-7c3e-8a3e-00000000000a"}]}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (json!([{"op": "Remove", "path": "members", "value": []}]), "[Remove([])]"),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]", "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000a"}]}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]", "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000b"}]}]),
            "[Remove([])]",
        ),
        (json!([{"op": "remove", "path": "members"}]), "[Replace([])]"),
        (json!([{"op": "replace", "path": "members", "value": []}]), "[Replace([])]"),
        (json!([{"op": "replace", "value": {"id": "x", "displayName": "G", "members": []}}]), "[Replace([])]"),
        (json!([{"op": "replace", "value": {"id": "x", "displayName": "G"}}]), "[]"),
    ] {
        let members = parse(Kind::Group, &operations).unwrap().members().unwrap();
        assert_eq!(format!("{members:?}"), expect, "{operations}");
        assert_eq!(Value::Object(run(operations).unwrap()), group);
    }
    for (operations, keyword) in [
        (json!([{"op": "add", "path": "members[value eq \"a\"].display", "value": null}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members[value eq \"a\"].display", "value": "x"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members[value eq \"a\"].display", "value": 1}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members[value eq \"a\"].type", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "members", "value": [{"display": "x"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": [null]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "[{\"value\":\"B\"}]"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": ["{\"value\":\"B\"}"]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": [{"value": "{\"value\":\"B\"}"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "A,B"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "null"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "[]"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": ""}]), "invalidValue"),
        (json!([{"op": "add", "path": "members", "value": "ada"}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": ["ada"]}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": ""}]), "invalidValue"),
        (json!([{"op": "replace", "value": {"members": [{"id": "u"}]}}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": null}]), "invalidValue"),
        (
            json!([{"op": "remove", "path": "members[display eq \"x\"]", "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000b"}]}]),
            "invalidValue",
        ),
        (json!([{"op": "remove", "path": "displayName"}]), "mutability"),
    ] {
        assert_eq!(run(operations).map(|_| ()).map_err(|error| error.scim_type()), Err(Some(keyword)));
    }
}

proptest! {
    /// A PATCH with random values either fails or yields a resource that the schema reads unchanged.
    #[test]
    fn outcome_of_patch_is_a_valid_resource(
        op in "(add|remove|replace)",
        path in prop::sample::select(vec!["title", "name", "name.givenName", "emails", "emails.value", "emails[type eq \"work\"]",
            "emails[type eq \"new\"].value", "emails[primary eq true].type", "manager", "active", "roles", "x509Certificates"]),
        value in prop::sample::select(vec![json!("x"), json!(true), json!(null), json!([]), json!({}), json!({"value": "v", "primary": true}),
            json!([{"value": "v"}, {"value": "v", "type": "work", "primary": "True"}]), json!({"givenName": ""})]),
    ) {
        if let Ok(patched) = patch(Kind::User, &user(), &json!([{"op": op, "path": path, "value": value}])) {
            let read = resource_type(Kind::User).read(&patched, &Dialect::lenient()).unwrap();
            prop_assert_eq!(read, patched);
        }
    }
}
