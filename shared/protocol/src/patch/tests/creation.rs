//! Elements that a path with a filter creates, and elements without content.

use schema::{Kind, Object};
use serde_json::{Value, json};

use super::{check, patch, user};

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
    let other = |sub: &str, value: Value| {
        let path = format!("emails[type eq \"other\"].{sub}");
        json!({"op": "replace", "path": path, "value": value})
    };
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
    let mobile = |op: &str, sub: &str, value: Value| {
        let path = format!("phoneNumbers[type eq \"mobile\"].{sub}");
        json!({"op": op, "path": path, "value": value})
    };
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
        let set = |filter: &str, sub: &str, value: Value| {
            let path = format!("{path}[{filter}].{sub}");
            json!({"op": "replace", "path": path, "value": value})
        };
        let first = "primary eq true and type eq \"Other\"";
        let expected = json!({"value": "o@x", "type": "Other", "primary": true});
        let sent = json!([set(first, "type", json!("Other")), set(filter, "value", json!("o@x"))]);
        let emails = patch(Kind::User, &user(), &sent).unwrap().get("emails").cloned().unwrap_or_default();
        let added = emails.as_array().and_then(|emails| emails.last()).cloned().unwrap_or_default();
        assert_eq!(added, expected, "{sent}");
        let remove = json!({"op": "remove", "path": format!("{path}[{filter}].value")});
        let removed = json!([set(first, "value", json!("o@x")), remove, set(first, "type", json!("Other"))]);
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
