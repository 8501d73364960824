//! Operations that remove a value (RFC 7644 §3.5.2.2).

use schema::Kind;
use serde_json::{Value, json};

use super::{E, check, patch, user};

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
        json!([{"op": "Replace", "path": "active", "value": "False"},
            {"op": "Remove", "path": "phoneNumbers[type eq \"mobile\"].value"}]),
        json!({"active": false}),
    );
    check(
        json!([{"op": "remove", "path": "active"}, {"op": "add", "path": "active", "value": false}]),
        json!({"active": false}),
    );
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
