//! Operations that are rejected, in all dialects or in some.

use schema::{Dialect, Kind, resource_type};
use serde_json::{Value, json};

use super::{E, check, patch, user};
use crate::Patch;

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
