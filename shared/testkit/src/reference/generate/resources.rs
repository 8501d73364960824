//! Random users and groups.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::words::{ADDRESS, ENTERPRISE_TEXTS, LISTS, NAMES, TEXTS, chance, one, text_for};
use crate::reference::{ENTERPRISE, GROUP, USER};

/// A user with this name, as a client sends it.
pub fn user(rng: &mut Rng, user_name: &str) -> Value {
    let mut user = json!({ "schemas": [USER], "userName": user_name });
    for name in TEXTS {
        if chance(rng, 40) {
            user[name] = text_for(rng, name, "").into();
        }
    }
    if chance(rng, 60) {
        user["active"] = rng.bool().into();
    }
    if chance(rng, 60) {
        user["name"] = texts(rng, &NAMES);
    }
    for name in LISTS.iter().chain(&["addresses"]) {
        if chance(rng, if *name == "emails" { 80 } else { 35 }) {
            user[*name] = elements(rng, name);
        }
    }
    if chance(rng, 50) {
        user["schemas"] = json!([USER, ENTERPRISE]);
        user[ENTERPRISE] = enterprise(rng);
    }
    user
}

/// A group with this name and some of these members, as a client sends it.
pub fn group(rng: &mut Rng, name: &str, ids: &[String]) -> Value {
    let mut group = json!({ "schemas": [GROUP], "displayName": name });
    if chance(rng, 40) {
        group["externalId"] = text_for(rng, "externalId", "").into();
    }
    let chosen: Vec<&String> = ids.iter().filter(|_| rng.bool()).collect();
    if !chosen.is_empty() {
        group["members"] = chosen.into_iter().map(|id| member(rng, id)).collect();
    }
    group
}

/// A member, with a `display` now and then.
pub(super) fn member(rng: &mut Rng, id: &str) -> Value {
    let mut member = json!({ "value": id });
    if chance(rng, 60) {
        member["display"] = text_for(rng, "members", "display").into();
    }
    member
}

/// The object of the extension.
pub(super) fn enterprise(rng: &mut Rng) -> Value {
    let mut extension = texts(rng, &ENTERPRISE_TEXTS);
    if chance(rng, 50) {
        extension["manager"] = manager(rng);
    }
    extension
}

pub(super) fn manager(rng: &mut Rng) -> Value {
    let mut manager = json!({ "value": text_for(rng, "manager", "value") });
    if chance(rng, 30) {
        manager["$ref"] = "../Users/a".into();
    }
    manager
}

/// An object with at least one of these texts.
pub(super) fn texts(rng: &mut Rng, names: &[&str]) -> Value {
    let mut object = Map::new();
    for _ in 0..rng.usize(1..=3) {
        let name = one(rng, names);
        object.insert(name.to_owned(), text_for(rng, "", name).into());
    }
    Value::Object(object)
}

/// Up to three values of a multi-valued attribute, of which at most one is primary, and no two are the same.
pub(super) fn elements(rng: &mut Rng, attribute: &str) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let mut has_primary = false;
    for _ in 0..rng.usize(1..=3) {
        let mut element = element(rng, attribute);
        if has_primary && element["primary"] == true {
            element["primary"] = false.into();
        }
        has_primary |= element["primary"] == true;
        if !all.contains(&element) {
            all.push(element);
        }
    }
    all.into()
}

/// A value of a multi-valued attribute of a user.
pub(super) fn element(rng: &mut Rng, attribute: &str) -> Value {
    let mut element = if attribute == "addresses" {
        texts(rng, &ADDRESS)
    } else {
        let mut element = json!({ "value": text_for(rng, attribute, "value") });
        if chance(rng, 25) {
            element["display"] = text_for(rng, attribute, "display").into();
        }
        element
    };
    if chance(rng, 70) {
        element["type"] = text_for(rng, attribute, "type").into();
    }
    if chance(rng, 30) {
        element["primary"] = rng.bool().into();
    }
    element
}
