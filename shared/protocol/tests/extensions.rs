//! The service reads, changes, finds and returns the attributes of an extension, which exists only as a file,
//! according to their characteristics (RFC 7643 §2.2, §7).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot continue must fail")]

use protocol::{Filter, Patch, Projection, UpdateMethod, keep_immutable};
use schema::{Dialect, Kind, Object, Registry, ResourceType};
use serde_json::{Value, json};

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";
const FILE: &str = include_str!("../../../shared/acceptance/extensions/badge.json");

fn user() -> &'static ResourceType {
    Box::leak(Box::new(Registry::read(&[("badge.json", FILE)]).unwrap())).resource_type(Kind::User)
}

fn with(badge: Value) -> Object {
    Object::from_iter([("userName".to_owned(), json!("b")), (BADGE.to_owned(), badge)])
}

fn read(badge: Value) -> Result<Value, String> {
    let read = user().read(&with(badge), &Dialect::lenient()).map_err(|invalid| invalid.to_string())?;
    match user().missing(&read) {
        Some(missing) => Err(format!("{missing} is missing")),
        None => Ok(read[BADGE].clone()),
    }
}

#[test]
fn values_of_extension_are_read_by_their_type() {
    for (value, expect) in [
        (json!({"Floor": 3}), Some(json!({"floor": 3}))),
        (json!({"floor": 3.5}), None),
        (json!({"deposit": 12.25}), Some(json!({"deposit": 12.25}))),
        (json!({"deposit": "12"}), None),
        (json!({"lost": false}), Some(json!({"lost": false}))),
        (json!({"issued": "2026-01-02T03:04:05Z"}), Some(json!({"issued": "2026-01-02T03:04:05Z"}))),
        (json!({"issued": "yesterday"}), None),
        (json!({"picture": "aGk="}), Some(json!({"picture": "aGk="}))),
        (json!({"picture": "a b"}), None),
        (json!({"sponsor": "https://x/Users/1"}), Some(json!({"sponsor": "https://x/Users/1"}))),
        (json!({"sponsor": 1}), None),
        // Canonical values are suggestions.
        (json!({"level": "guard"}), Some(json!({"level": "guard"}))),
        (json!({"pin": "1234"}), Some(json!({"pin": "1234"}))),
        (json!({"printedBy": "me"}), Some(json!({}))),
        (json!({"tags": ["a", "b"]}), Some(json!({"tags": ["a", "b"]}))),
        (json!({"tags": "a"}), Some(json!({"tags": ["a"]}))),
        (
            json!({"doors": [{"value": "1", "primary": true}]}),
            Some(json!({"doors": [{"value": "1", "primary": true}]})),
        ),
        (json!({"doors": [{"type": "lab"}]}), None),
        (json!({"holder": {"color": "red", "lock": "7"}}), Some(json!({"holder": {"color": "red", "lock": "7"}}))),
        (json!({"holder": "red"}), None),
    ] {
        let mut badge = json!({"level": "staff"});
        badge.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        let expect = expect.map(|expect| {
            let mut whole = json!({"level": "staff"});
            whole.as_object_mut().unwrap().extend(expect.as_object().unwrap().clone());
            whole
        });
        assert_eq!(read(badge.clone()).ok(), expect, "{badge}");
    }
    assert_eq!(read(json!({"floor": 1})), Err(format!("{BADGE}:level is missing")));
}

#[test]
fn filters_on_extension_compare_by_type_and_case() {
    let resource = with(json!({"level": "Staff", "serial": "aB1", "floor": 3, "deposit": 12.25, "lost": true,
        "issued": "2026-01-02T03:04:05Z", "picture": "aGk=", "tags": ["North", "south"],
        "doors": [{"value": "1a", "type": "lab"}, {"value": "2", "type": "store"}]}));
    for (filter, expect) in [
        ("level eq \"STAFF\"", Some(true)),
        ("serial eq \"aB1\"", Some(true)),
        ("serial eq \"AB1\"", Some(false)),
        ("floor gt 2", Some(true)),
        ("floor co 3", None),
        ("floor eq \"3\"", None),
        ("deposit le 12.25", Some(true)),
        ("deposit lt 12", Some(false)),
        ("lost eq true", Some(true)),
        ("lost gt true", None),
        ("issued eq \"2026-01-02T04:04:05+01:00\"", Some(true)),
        ("issued gt \"2027-01-01T00:00:00Z\"", Some(false)),
        ("picture eq \"AGK=\"", Some(false)),
        ("picture gt \"a\"", None),
        ("tags eq \"SOUTH\"", Some(true)),
        ("tags ew \"x\"", Some(false)),
        // The values of `tags` are no objects with a `value` (RFC 7643 §2.4).
        ("tags[value eq \"south\"]", None),
        ("tags.value eq \"south\"", None),
        ("doors[type eq \"LAB\" and value eq \"1a\"]", Some(true)),
        ("doors[type eq \"lab\" and value eq \"1A\"]", Some(false)),
        ("doors.value eq \"2\"", Some(true)),
        ("sponsor pr", Some(false)),
        // A client must not guess a value that it cannot read.
        ("pin eq \"1234\"", None),
        ("pin pr", None),
        ("holder.lock sw \"1\"", None),
    ] {
        for filter in [format!("{BADGE}:{filter}"), filter.to_owned()] {
            let got = Filter::parse(user(), &filter, &Dialect::lenient()).map(|filter| filter.matches(&resource));
            assert_eq!(got.as_ref().ok(), expect.as_ref(), "{filter}: {got:?}");
        }
    }
}

#[test]
fn secret_attribute_cannot_be_read_or_compared() {
    let mut file: Value = serde_json::from_str(FILE).unwrap();
    let part = |name: &str, more: Value| {
        let mut part = json!({"name": name, "type": "string", "multiValued": false, "description": "x"});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        part
    };
    let parts = |more: Value| json!([part("value", more), part("color", json!({}))]);
    let secret = json!({"mutability": "writeOnly", "returned": "never"});
    let whole = json!({"type": "complex", "subAttributes": parts(json!({}))});
    let mut keys = part("keys", secret.clone());
    keys.as_object_mut().unwrap().extend(whole.as_object().unwrap().clone());
    keys["multiValued"] = json!(true);
    let code = part("code", json!({"type": "complex", "subAttributes": parts(secret)}));
    file["attributes"].as_array_mut().unwrap().extend([keys, code]);
    let user = Box::leak(Box::new(Registry::read(&[("badge.json", &file.to_string())]).unwrap()));
    let user: &'static ResourceType = user.resource_type(Kind::User);
    for (filter, taken) in [
        ("code.color eq \"x\"", true),
        ("code eq \"x\"", false),
        ("code.value eq \"x\"", false),
        ("keys pr", false),
        ("keys eq \"x\"", false),
        ("keys.color eq \"x\"", false),
        ("keys[color eq \"x\"]", false),
        ("keys[color pr]", false),
    ] {
        for filter in [format!("{BADGE}:{filter}"), filter.to_owned()] {
            let read = Filter::parse(user, &filter, &Dialect::lenient());
            assert_eq!(
                read.as_ref().map(drop).map_err(|error| error.to_string().contains("is secret")),
                if taken { Ok(()) } else { Err(true) },
                "{filter}"
            );
        }
    }
}

fn patched(badge: Value, operations: Value) -> Result<Value, String> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let patch =
        Patch::parse(user(), body.as_object().unwrap(), &Dialect::lenient()).map_err(|error| format!("{error:?}"))?;
    let patched = patch.apply(&with(badge)).map_err(|error| format!("{error:?}"))?;
    Ok(patched.get(BADGE).cloned().unwrap_or_default())
}

#[test]
fn patch_follows_mutability() {
    let before = json!({"level": "staff", "serial": "1", "pin": "1234", "doors": [{"value": "1"}],
        "tags": ["North", "south"], "holder": {"color": "red", "lock": "7"}});
    let path = |name: &str| format!("{BADGE}:{name}");
    for (operation, expect) in [
        (json!({"op": "replace", "path": path("floor"), "value": 4}), Ok(("floor", json!(4)))),
        (json!({"op": "add", "value": {BADGE: {"floor": 5}}}), Ok(("floor", json!(5)))),
        (json!({"op": "add", "value": {path("floor"): 6}}), Ok(("floor", json!(6)))),
        (
            json!({"op": "add", "path": path("doors"), "value": [{"value": "2"}]}),
            Ok(("doors", json!([{"value": "1"}, {"value": "2"}]))),
        ),
        (
            json!({"op": "replace", "path": path("doors[value eq \"1\"].type"), "value": "lab"}),
            Ok(("doors", json!([{"value": "1", "type": "lab"}]))),
        ),
        (json!({"op": "replace", "path": path("pin"), "value": "9"}), Ok(("pin", json!("9")))),
        (json!({"op": "remove", "path": path("pin")}), Ok(("pin", json!(null)))),
        // A client must not guess a value that it cannot read.
        (json!({"op": "remove", "path": path("pin"), "value": "1234"}), Err("InvalidValue")),
        (json!({"op": "remove", "path": path("pin"), "value": "9"}), Err("InvalidValue")),
        (json!({"op": "remove", "path": path("holder"), "value": {"lock": "7"}}), Err("InvalidValue")),
        (json!({"op": "remove", "path": path("holder.lock"), "value": "7"}), Err("InvalidValue")),
        (json!({"op": "remove", "path": path("holder"), "value": {"color": "blue"}}), Ok(("level", json!("staff")))),
        (json!({"op": "remove", "path": path("tags"), "value": ["SOUTH"]}), Ok(("tags", json!(["North"])))),
        (json!({"op": "add", "path": path("tags"), "value": ["north"]}), Ok(("tags", json!(["North", "south"])))),
        (json!({"op": "remove", "path": path("tags[value eq \"south\"]")}), Err("InvalidPath")),
        (json!({"op": "replace", "path": path("tags[value eq \"south\"]"), "value": "x"}), Err("InvalidPath")),
        (json!({"op": "replace", "path": path("serial"), "value": "1"}), Ok(("serial", json!("1")))),
        (json!({"op": "replace", "path": path("serial"), "value": "2"}), Err("Mutability")),
        (json!({"op": "remove", "path": path("serial")}), Err("Mutability")),
        (json!({"op": "replace", "path": path("serial"), "value": null}), Err("Mutability")),
        (json!({"op": "remove", "path": BADGE}), Err("Mutability")),
        (json!({"op": "remove", "path": path("level")}), Err("Mutability")),
        (json!({"op": "replace", "path": path("printedBy"), "value": "x"}), Err("Mutability")),
        (json!({"op": "replace", "path": path("floor"), "value": "x"}), Err("InvalidValue")),
        (json!({"op": "remove", "path": path("doors[value eq \"1\"].value")}), Ok(("doors", json!(null)))),
    ] {
        match (patched(before.clone(), json!([operation])), expect) {
            (Ok(badge), Ok((name, value))) => assert_eq!(badge[name], value, "{operation}"),
            (Err(error), Err(expect)) => assert!(error.starts_with(expect), "{operation}: {error}"),
            (got, expect) => unreachable!("{operation}: {got:?}, not {expect:?}"),
        }
    }
}

/// Removing a value and adding it again in one request counts as a removal.
#[test]
fn immutable_value_cannot_be_removed_and_added_again() {
    let path = format!("{BADGE}:serial");
    let operations = json!([{"op": "remove", "path": path}, {"op": "add", "path": path, "value": "1"}]);
    let error = patched(json!({"level": "staff", "serial": "1"}), operations).unwrap_err();
    assert!(error.starts_with("Mutability"), "{error}");
}

/// Beyond 2^53, a comparison as floating-point numbers would find neighbouring integers equal.
#[test]
fn integers_are_compared_exactly() {
    let resource = with(json!({"floor": 9_007_199_254_740_993_u64}));
    for (filter, expect) in [
        ("eq 9007199254740993", true),
        ("eq 9007199254740992", false),
        ("gt 9007199254740992", true),
        ("ge 9007199254740993", true),
        ("lt 9007199254740993", false),
        ("le 9007199254740993", true),
        ("lt 9007199254740994", true),
        ("ne 9007199254740992", true),
        ("gt 9007199254740992.5", false),
    ] {
        let parsed = Filter::parse(user(), &format!("{BADGE}:floor {filter}"), &Dialect::lenient()).unwrap();
        assert_eq!(parsed.matches(&resource), expect, "{filter}");
    }
}

#[test]
fn put_keeps_immutable_and_unreturned_values() {
    let before = with(
        json!({"level": "staff", "serial": "1", "pin": "1234", "floor": 3, "holder": {"color": "red", "lock": "7"}}),
    );
    for (sent, expect) in [
        (
            json!({"level": "visitor"}),
            Some(json!({"level": "visitor", "serial": "1", "pin": "1234", "holder": {"lock": "7"}})),
        ),
        (
            json!({"level": "staff", "pin": "0", "holder": {"color": "blue"}}),
            Some(json!({"level": "staff", "serial": "1", "pin": "0", "holder": {"color": "blue", "lock": "7"}})),
        ),
        (json!({"level": "staff", "serial": "2"}), None),
    ] {
        let mut after = with(sent.clone());
        let kept = keep_immutable(user(), UpdateMethod::Replace, &before, &mut after).map(|()| after[BADGE].clone());
        assert_eq!(kept.ok(), expect, "{sent}");
    }
}

#[test]
fn projection_follows_returned() {
    let whole = with(json!({"level": "staff", "serial": "1", "pin": "1234", "picture": "aGk="}));
    let path = |name: &str| Some(format!("{BADGE}:{name}"));
    for (attributes, excluded, expect) in [
        (None, None, json!({"level": "staff", "serial": "1"})),
        (path("picture"), None, json!({"level": "staff", "picture": "aGk="})),
        (path("pin"), None, json!({"level": "staff"})),
        (Some("userName".to_owned()), None, json!({"level": "staff"})),
        (Some(BADGE.to_owned()), None, json!({"level": "staff", "serial": "1", "picture": "aGk="})),
        (None, path("serial"), json!({"level": "staff"})),
        (None, path("level"), json!({"level": "staff", "serial": "1"})),
    ] {
        let projection = Projection::parse(attributes.as_deref(), excluded.as_deref(), &Dialect::lenient()).unwrap();
        let shown = projection.apply(user(), whole.clone());
        assert_eq!(shown[BADGE], expect, "{attributes:?} {excluded:?}");
    }
}

#[test]
fn schemas_list_extension_that_resource_has() {
    assert_eq!(user().schemas_of(&with(json!({"floor": 1}))), [json!(schema::USER), json!(BADGE)]);
    assert_eq!(user().schemas_of(&Object::new()), [json!(schema::USER)]);
}
