//! Random operations of PATCH requests (RFC 7644 §3.5.2): most of them are right, and some are wrong.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::filters::inside;
use super::resources::{element, elements, enterprise, manager, member, texts};
use super::words::{ADDRESS, ENTERPRISE_TEXTS, LISTS, NAMES, TEXTS, WORDS, chance, in_any_case, one, text_for};
use crate::reference::{ENTERPRISE, USER};

/// One to five operations for this user. `name` is a user name that nobody has.
pub fn user_operations(rng: &mut Rng, user: &Value, name: &str) -> Vec<Value> {
    (0..rng.usize(1..=5)).map(|_| user_operation(rng, user, name)).collect()
}

fn user_operation(rng: &mut Rng, user: &Value, name: &str) -> Value {
    let op = one(rng, &["add", "replace", "remove"]);
    if op != "remove" && chance(rng, 20) {
        let mut value = Map::new();
        for _ in 0..rng.usize(1..=3) {
            let (path, of_path) = plain(rng, name);
            let is_name = path == ENTERPRISE || !path.contains(['.', ':']);
            value.extend(is_name.then_some((path, of_path)));
        }
        if chance(rng, 40) {
            let attribute = list(rng);
            value.insert(attribute.to_owned(), elements(rng, attribute));
        }
        return json!({ "op": op, "value": value });
    }
    match rng.u8(..20) {
        0 => wrong(rng),
        1..=8 => {
            let (path, value) = plain(rng, name);
            let path = with_schema(rng, &path);
            if op == "remove" {
                json!({ "op": op, "path": path })
            } else {
                json!({ "op": op, "path": path, "value": value })
            }
        }
        9..=12 => of_list(rng, op),
        _ => with_filter(rng, op, user),
    }
}

/// The path of an attribute or of a sub-attribute, and a value for it.
fn plain(rng: &mut Rng, name: &str) -> (String, Value) {
    let (path, value) = match rng.u8(..12) {
        0 if chance(rng, 40) => ("userName".to_owned(), name.into()),
        1 => ("active".to_owned(), rng.bool().into()),
        2 => ("name".to_owned(), with_null(rng, |rng| texts(rng, &NAMES))),
        3 | 4 => (format!("name.{}", one(rng, &NAMES)), one(rng, &WORDS).into()),
        5 | 6 => (format!("{ENTERPRISE}:{}", one(rng, &ENTERPRISE_TEXTS)), one(rng, &WORDS).into()),
        7 => (format!("{ENTERPRISE}:manager"), manager(rng)),
        8 => (format!("{ENTERPRISE}:manager.value"), one(rng, &WORDS).into()),
        9 => (ENTERPRISE.to_owned(), enterprise(rng)),
        10 if chance(rng, 30) => ("password".to_owned(), "secret".into()),
        _ => (one(rng, &TEXTS).to_owned(), one(rng, &WORDS).into()),
    };
    if chance(rng, 6) && path != "userName" && path != ENTERPRISE { (path, Value::Null) } else { (path, value) }
}

/// An object, in which a sub-attribute is null now and then.
fn with_null(rng: &mut Rng, object: impl Fn(&mut Rng) -> Value) -> Value {
    let mut value = object(rng);
    if chance(rng, 20) {
        value[one(rng, &NAMES)] = Value::Null;
    }
    value
}

/// An operation on a whole multi-valued attribute.
fn of_list(rng: &mut Rng, op: &str) -> Value {
    let attribute = list(rng);
    let path = in_any_case(rng, attribute);
    let value = match op {
        "remove" => return json!({ "op": op, "path": path }),
        _ if chance(rng, 5) => json!([]),
        _ if chance(rng, 3) => Value::Null,
        "add" if chance(rng, 30) => element(rng, attribute),
        _ => elements(rng, attribute),
    };
    json!({ "op": op, "path": path, "value": value })
}

fn list(rng: &mut Rng) -> &'static str {
    match rng.u8(..4) {
        0 | 1 => "emails",
        2 => "addresses",
        _ => one(rng, &LISTS),
    }
}

/// An operation on the values that a filter selects, or on a sub-attribute of them.
fn with_filter(rng: &mut Rng, op: &str, user: &Value) -> Value {
    let present: Vec<&str> = LISTS.into_iter().chain(["addresses"]).filter(|name| user[*name].is_array()).collect();
    let attribute = if present.is_empty() || chance(rng, 15) { list(rng) } else { one(rng, &present) };
    let values = user[attribute].as_array().cloned().unwrap_or_default();
    let filter = filter_of(rng, attribute, &values);
    let path = format!("{}[{filter}]", in_any_case(rng, attribute));
    let path = if chance(rng, 6) { attribute.to_owned() } else { path };
    let parts: &[&str] = if attribute == "addresses" { &ADDRESS } else { &["value", "display", "type"] };
    let part = if chance(rng, 15) { "primary" } else { one(rng, parts) };
    let value: Value = if part == "primary" { rng.bool().into() } else { text_for(rng, attribute, part).into() };
    match (op, chance(rng, 60)) {
        ("remove", true) => json!({ "op": op, "path": path }),
        ("remove", false) => json!({ "op": op, "path": format!("{path}.{part}") }),
        (_, true) => json!({ "op": op, "path": format!("{path}.{part}"), "value": value }),
        (_, false) => json!({ "op": op, "path": path, "value": element(rng, attribute) }),
    }
}

/// A filter that one of the values matches, or any filter.
fn filter_of(rng: &mut Rng, attribute: &str, values: &[Value]) -> String {
    if !values.is_empty() && chance(rng, 50) {
        let value = &values[rng.usize(..values.len())];
        let texts: Vec<(&String, &Value)> =
            value.as_object().into_iter().flatten().filter(|(_, it)| it.is_string()).collect();
        if !texts.is_empty() {
            let (part, text) = texts[rng.usize(..texts.len())];
            return format!("{} eq {text}", in_any_case(rng, part));
        }
    }
    inside(rng, attribute, values)
}

/// The path in another case or with the URI of the core schema, now and then.
fn with_schema(rng: &mut Rng, path: &str) -> String {
    let is_own = !path.starts_with("urn:") && path != "externalId";
    if is_own && chance(rng, 5) { in_any_case(rng, &format!("{USER}:{path}")) } else { in_any_case(rng, path) }
}

/// An operation on a user that has to be refused.
fn wrong(rng: &mut Rng) -> Value {
    let all = if rng.bool() { wrong_targets() } else { wrong_values() };
    all[rng.usize(..all.len())].clone()
}

/// Operations whose path is missing or malformed, names nothing, or names what must not be changed.
fn wrong_targets() -> Vec<Value> {
    vec![
        json!({ "op": "remove" }),
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "remove", "path": "id" }),
        json!({ "op": "replace", "path": "id", "value": "a" }),
        json!({ "op": "replace", "path": "meta.created", "value": "2011-05-13T04:42:34Z" }),
        json!({ "op": "remove", "path": "groups" }),
        json!({ "op": "add", "path": "groups", "value": [{ "value": "a" }] }),
        json!({ "op": "remove", "path": "groups[value eq \"a\"]" }),
        json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "a" }),
        json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "displayName": "a" } }),
        json!({ "op": "replace", "path": "name.noSuchPart", "value": "a" }),
        json!({ "op": "add", "path": "title.value", "value": "a" }),
        json!({ "op": "add", "path": "noSuchAttribute", "value": "a" }),
        json!({ "op": "add", "path": "department", "value": "a" }),
        json!({ "op": "add", "path": "members", "value": [] }),
        json!({ "op": "replace", "path": "emails[value pr].noSuchPart", "value": "a" }),
        json!({ "op": "replace", "path": "emails[value pr", "value": "a" }),
        json!({ "op": "replace", "path": "emails[value pr]value", "value": "a" }),
        json!({ "op": "replace", "path": "emails[noSuchPart pr].value", "value": "a" }),
        json!({ "op": "replace", "path": "title[value pr]", "value": "a" }),
        json!({ "op": "replace", "path": "name[givenName pr]", "value": { "givenName": "a" } }),
        json!({ "op": "replace", "path": "name..givenName", "value": "a" }),
    ]
}

/// Operations whose value does not fit the path, and those that are malformed themselves.
fn wrong_values() -> Vec<Value> {
    vec![
        json!({ "op": "replace", "path": "userName", "value": null }),
        json!({ "op": "replace", "path": "userName", "value": "" }),
        json!({ "op": "replace", "path": "title", "value": 5 }),
        json!({ "op": "replace", "path": "title", "value": "" }),
        json!({ "op": "add", "path": "title", "value": ["a"] }),
        json!({ "op": "replace", "path": "active", "value": "true" }),
        json!({ "op": "replace", "path": "name", "value": "a" }),
        json!({ "op": "replace", "path": "name", "value": { "noSuchPart": "a" } }),
        json!({ "op": "add", "path": "title" }),
        json!({ "op": "replace", "path": "emails", "value": { "value": "a" } }),
        json!({ "op": "add", "path": "emails", "value": "a" }),
        json!({ "op": "add", "path": "emails", "value": ["a"] }),
        json!({ "op": "add", "path": "emails", "value": [{}] }),
        json!({ "op": "add", "path": "emails", "value": [{ "noSuchPart": "a" }] }),
        json!({
            "op": "add", "path": "roles",
            "value": [{ "value": "x", "primary": true }, { "value": "y", "primary": true }],
        }),
        json!({ "op": "replace", "path": "emails[value pr].value", "value": 5 }),
        json!({ "op": "add", "path": "x509Certificates", "value": [{ "value": "a%" }] }),
        json!({ "op": "move", "path": "title", "value": "a" }),
        json!({ "op": "remove", "path": "emails", "value": [{ "value": "a" }] }),
    ]
}

/// One to five operations for this group. `name` is a group name that no group has, and `ids` are those of resources
/// that can be members.
pub fn group_operations(rng: &mut Rng, group: &Value, name: &str, ids: &[String]) -> Vec<Value> {
    // Some filters must find members that an earlier operation of the request has added.
    let mut known = group["members"].as_array().cloned().unwrap_or_default();
    let count = rng.usize(1..=5);
    (0..count).map(|_| group_operation(rng, &mut known, name, ids)).collect()
}

fn group_operation(rng: &mut Rng, known: &mut Vec<Value>, name: &str, ids: &[String]) -> Value {
    let op = one(rng, &["add", "replace", "remove", "remove"]);
    match rng.u8(..20) {
        0 => wrong_for_group(rng, ids),
        1 if op != "remove" => json!({ "op": op, "path": in_any_case(rng, "displayName"), "value": name }),
        2 if op != "remove" => json!({ "op": op, "path": "externalId", "value": one(rng, &WORDS) }),
        2 => json!({ "op": op, "path": "externalId" }),
        3 if op == "remove" => json!({ "op": op, "path": in_any_case(rng, "members") }),
        4 | 5 => {
            let path = format!("members[{}].display", member_filter(rng, known));
            if op == "remove" {
                json!({ "op": op, "path": path })
            } else {
                json!({ "op": op, "path": path, "value": one(rng, &WORDS) })
            }
        }
        _ if op == "remove" => json!({ "op": op, "path": format!("members[{}]", member_filter(rng, known)) }),
        _ => {
            let mut members: Vec<Value> = (0..rng.usize(1..=3)).map(|_| any_member(rng, ids)).collect();
            if op == "replace" && chance(rng, 5) {
                members.clear();
            }
            known.extend(members.iter().cloned());
            if chance(rng, 20) {
                return json!({ "op": op, "value": { "members": members } });
            }
            json!({ "op": op, "path": "members", "value": members })
        }
    }
}

fn any_member(rng: &mut Rng, ids: &[String]) -> Value {
    let id = &ids[rng.usize(..ids.len())];
    member(rng, id)
}

/// A filter of members, in one of the forms that clients send, or any other.
fn member_filter(rng: &mut Rng, known: &[Value]) -> String {
    let of = |rng: &mut Rng, part: &str| match known.len() {
        0 => Value::from("a"),
        length => known[rng.usize(..length)][part].clone(),
    };
    let word = Value::from(one(rng, &WORDS));
    match rng.u8(..9) {
        0..=2 => format!("value eq {}", of(rng, "value")),
        3 => format!("display eq {}", of(rng, "display")),
        4 => format!("display {} {word}", one(rng, &["co", "sw", "ew", "ne", "eq"])),
        5 => one(rng, &["display pr", "not (display pr)", "not(display pr)"]).to_owned(),
        6 => one(rng, &["type eq \"User\"", "type eq \"Group\"", "type ne \"User\"", "type eq \"user\""]).to_owned(),
        7 => format!("value eq {} or display eq {word}", of(rng, "value")),
        _ => inside(rng, "members", known),
    }
}

/// An operation on a group that has to be refused.
fn wrong_for_group(rng: &mut Rng, ids: &[String]) -> Value {
    let id = &ids[rng.usize(..ids.len())];
    let by_id = |rest: &str| format!("members[value eq \"{id}\"]{rest}");
    let all = [
        json!({ "op": "remove" }),
        json!({ "op": "remove", "path": "displayName" }),
        json!({ "op": "replace", "path": "displayName", "value": null }),
        json!({ "op": "replace", "path": "userName", "value": "a" }),
        json!({ "op": "add", "path": "members", "value": [{ "display": "a" }] }),
        json!({ "op": "add", "path": "members", "value": [{ "value": 5 }] }),
        json!({ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }),
        json!({ "op": "replace", "path": "members", "value": [{ "value": id }, { "value": "nobody" }] }),
        json!({ "op": "add", "path": "members", "value": [id] }),
        json!({ "op": "replace", "path": by_id(".display"), "value": 5 }),
        json!({ "op": "replace", "path": by_id(".value"), "value": "a" }),
        json!({ "op": "remove", "path": "members.display" }),
        json!({ "op": "remove", "path": "members[noSuchPart pr]" }),
        json!({ "op": "remove", "path": "members[value eq" }),
        json!({ "op": "remove", "path": "members", "value": [{ "value": id }] }),
        json!({ "op": "remove", "path": "id" }),
    ];
    all[rng.usize(..all.len())].clone()
}
