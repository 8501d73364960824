//! Operations on multi-valued attributes, as a whole and by a filter (RFC 7644 §3.5.2; RFC 7643 §2.4).

use schema::Kind;
use serde_json::{Value, json};

use super::{check, patch, user};

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
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false},
            {"value": "h@x", "type": "home", "primary": true}]}),
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
        json!([{"op": "Replace", "path": "emails[type eq \"other\"].value", "value": "o@x"},
            {"op": "Replace", "path": "emails[type eq \"other\"].primary", "value": "True"}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false}, home,
            {"type": "other", "value": "o@x", "primary": true}]}),
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

/// RFC 7644 §3.5.2.3: every matching element is replaced, and keeps none of its former sub-attributes.
#[test]
fn replace_replaces_whole_values_and_keeps_last_primary() {
    check(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"display": "d"}}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": true}, {"display": "d"}]}),
    );
    check(
        json!([{"op": "replace", "path": "emails[value ew \"x\"].primary", "value": true}]),
        json!({"emails": [{"value": "w@x", "type": "work", "primary": false},
            {"value": "h@x", "type": "home", "primary": true}]}),
    );
    check(json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": null}]), json!({}));
}

#[test]
fn add_beyond_value_limit_is_refused() {
    let emails = |count: usize| (0..count).map(|at| json!({"value": format!("{at}@x")})).collect::<Value>();
    let add = |count| patch(Kind::User, &user(), &json!([{"op": "add", "path": "emails", "value": emails(count)}]));
    assert_eq!(add(998).map(|patched| patched["emails"].as_array().unwrap().len()), Ok(1000));
    assert_eq!(add(999).map(|_| ()).map_err(|error| error.status()), Err(413));
}
