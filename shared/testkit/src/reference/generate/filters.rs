//! Random filters (RFC 7644 §3.4.2.2): most of them are right, and some are wrong in one place.

use fastrand::Rng;
use serde_json::Value;

use super::words::{ADDRESS, ENTERPRISE_TEXTS, LISTS, NAMES, TEXTS, WORDS, chance, in_any_case, one, text_for};
use crate::reference::{ENTERPRISE, Kind};

/// A filter for resources of `kind`, whose literals are often values of these resources.
pub fn filter(rng: &mut Rng, kind: Kind, resources: &[Value]) -> String {
    expression(rng, &Source::Resource(kind, resources), 3).0
}

/// The text of a filter between brackets, for the values of `attribute`.
pub(super) fn inside(rng: &mut Rng, attribute: &str, values: &[Value]) -> String {
    expression(rng, &Source::Element(attribute, values), 1).0
}

/// Where names and literals come from.
enum Source<'s> {
    Resource(Kind, &'s [Value]),
    Element(&'s str, &'s [Value]),
}

/// A filter and how strongly it binds: 3 for a term, 2 for `and`, 1 for `or`.
fn expression(rng: &mut Rng, source: &Source<'_>, depth: u8) -> (String, u8) {
    if depth == 0 || chance(rng, 45) {
        return (term(rng, source), 3);
    }
    match rng.u8(..4) {
        0 => {
            let not = one(rng, &["not ", "not ", "not", "Not "]);
            (format!("{not}({})", expression(rng, source, depth - 1).0), 3)
        }
        1 => (format!("({})", expression(rng, source, depth - 1).0), 3),
        2 => (joined(rng, source, depth, "and", 2), 2),
        _ => (joined(rng, source, depth, "or", 1), 1),
    }
}

/// Two filters and a word between them, in parentheses only if they bind less.
fn joined(rng: &mut Rng, source: &Source<'_>, depth: u8, word: &str, strength: u8) -> String {
    let side = |rng: &mut Rng| {
        let (text, its_strength) = expression(rng, source, depth - 1);
        if its_strength < strength { format!("({text})") } else { text }
    };
    let left = side(rng);
    let word = in_any_case(rng, word);
    format!("{left} {word} {}", side(rng))
}

fn term(rng: &mut Rng, source: &Source<'_>) -> String {
    if chance(rng, 3) {
        return wrong(rng, source);
    }
    if let Source::Resource(kind, resources) = source
        && chance(rng, 25)
    {
        let attribute = match kind {
            Kind::User => one(rng, &["emails", "emails", "phoneNumbers", "addresses", "roles", "groups", "photos"]),
            Kind::Group => "members",
        };
        let values: Vec<Value> = resources.iter().flat_map(|it| it[attribute].as_array().cloned()).flatten().collect();
        return format!(
            "{}[{}]",
            in_any_case(rng, attribute),
            expression(rng, &Source::Element(attribute, &values), 2).0
        );
    }
    let name = name(rng, source);
    let written = written(rng, source, &name);
    if chance(rng, 20) || matches!(name.as_str(), "name" | "meta" | "addresses") {
        return format!("{written} {}", in_any_case(rng, "pr"));
    }
    comparison(rng, source, &name, &written)
}

fn comparison(rng: &mut Rng, source: &Source<'_>, name: &str, written: &str) -> String {
    let part = name.rsplit(['.', ':']).next().unwrap_or_default();
    let operators: &[&str] = match part {
        _ if chance(rng, 5) && part != "primary" => return format!("{written} {} null", one(rng, &["eq", "ne"])),
        "active" | "primary" => {
            return format!("{written} {} {}", one(rng, &["eq", "ne", "eq"]), rng.bool());
        }
        "created" | "lastModified" => &["gt", "ge", "lt", "le", "eq", "ne"],
        _ if name.starts_with("x509Certificates") => &["eq", "ne"],
        _ if is_certificate(source, part) => &["eq", "ne"],
        _ => &["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"],
    };
    let operator = one(rng, operators);
    let literal = literal(rng, source, name, operator);
    format!("{written} {} {}", in_any_case(rng, operator), Value::from(literal))
}

fn is_certificate(source: &Source<'_>, part: &str) -> bool {
    part == "value" && matches!(source, Source::Element("x509Certificates", _))
}

/// A name as an attribute of a resource has it, relative to the source.
fn name(rng: &mut Rng, source: &Source<'_>) -> String {
    match source {
        Source::Element("groups" | "members", _) => one(rng, &["value", "value", "display", "type"]).to_owned(),
        Source::Element("addresses", _) => one(rng, &[ADDRESS.as_slice(), &["type", "primary"]].concat()).to_owned(),
        Source::Element(..) => one(rng, &["value", "type", "display", "primary"]).to_owned(),
        Source::Resource(Kind::Group, _) => one(
            rng,
            &[
                "displayName",
                "externalId",
                "id",
                "members",
                "members.value",
                "members.display",
                "members.type",
                "schemas",
            ],
        )
        .to_owned(),
        Source::Resource(Kind::User, _) => user_name(rng),
    }
}

fn user_name(rng: &mut Rng) -> String {
    match rng.u8(..12) {
        0 => one(rng, &["userName", "userName", "id", "externalId"]).to_owned(),
        1 | 2 => one(rng, &TEXTS).to_owned(),
        3 => "active".to_owned(),
        4 => one(rng, &["name", "name.familyName", "name.givenName", "name.formatted"]).to_owned(),
        5 => format!("name.{}", one(rng, &NAMES)),
        6 => one(rng, &LISTS).to_owned(),
        7 => format!("{}.{}", one(rng, &LISTS), one(rng, &["value", "type", "display", "primary"])),
        8 => format!("addresses.{}", one(rng, &ADDRESS)),
        9 => one(rng, &["groups.value", "groups.display", "groups.type", "groups", "addresses", "emails.value"])
            .to_owned(),
        10 => one(rng, &["meta", "meta.resourceType", "meta.created", "meta.lastModified", "schemas"]).to_owned(),
        _ => {
            let manager = ["manager.value", "manager.value"];
            format!("{ENTERPRISE}:{}", one(rng, &[ENTERPRISE_TEXTS.as_slice(), &manager].concat()))
        }
    }
}

/// The name as the filter has it: in another case, or with the URI of the core schema.
fn written(rng: &mut Rng, source: &Source<'_>, name: &str) -> String {
    let is_common = ["id", "schemas", "meta", "externalId"].iter().any(|common| name.starts_with(common));
    match source {
        Source::Resource(kind, _) if !name.starts_with("urn:") && !is_common && chance(rng, 5) => {
            in_any_case(rng, &format!("{}:{name}", kind.schema()))
        }
        _ => in_any_case(rng, name),
    }
}

/// A literal: a value that some resource has, a part of it, or any word.
fn literal(rng: &mut Rng, source: &Source<'_>, name: &str, operator: &str) -> String {
    let text = match value_in_source(rng, source, name) {
        Some(text) => text,
        None if name.ends_with("created") || name.ends_with("lastModified") => "2011-05-13T04:42:34Z".to_owned(),
        None if chance(rng, 20) => one(rng, &WORDS).to_owned(),
        None => text_for(rng, name, name.rsplit('.').next().unwrap_or_default()).to_owned(),
    };
    if name.starts_with("meta.") {
        return if chance(rng, 20) && text.ends_with('Z') { text.replace('Z', "+01:00") } else { text };
    }
    let text = match rng.u8(..6) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text,
    };
    let characters: Vec<char> = text.chars().collect();
    let length = if matches!(operator, "co" | "sw" | "ew") { rng.usize(..=characters.len()) } else { characters.len() };
    match operator {
        "ew" => characters[characters.len() - length..].iter().collect(),
        "co" if length > 0 => characters[characters.len() - length..][..rng.usize(1..=length)].iter().collect(),
        _ => characters[..length].iter().collect(),
    }
}

/// A text that one of the resources, or one of the elements, has under this name.
fn value_in_source(rng: &mut Rng, source: &Source<'_>, name: &str) -> Option<String> {
    let (Source::Resource(_, all) | Source::Element(_, all)) = source;
    if all.is_empty() || chance(rng, 25) {
        return None;
    }
    let mut at = &all[rng.usize(..all.len())];
    let name = match name.strip_prefix(ENTERPRISE) {
        Some(rest) => {
            at = &at[ENTERPRISE];
            &rest[1..]
        }
        None => name,
    };
    for step in name.split('.') {
        at = &at[step];
        if let Value::Array(values) = at {
            at = if values.is_empty() { at } else { &values[rng.usize(..values.len())] };
        }
    }
    let at = if at.is_object() { &at["value"] } else { at };
    at.as_str().map(str::to_owned)
}

/// Terms that have to be refused, for a resource and for a value of any attribute.
const WRONG: &[&str] = &[
    "noSuchAttribute eq \"a\"",
    "noSuchAttribute pr",
    "value eq",
    "value",
    "value is \"a\"",
    "value eq a",
    "value eq 'a'",
    "value eq \"a",
    "value == \"a\"",
    "value eq 5",
    "value.type eq \"a\"",
    "(value pr",
    "value pr)",
    "not value pr",
    "value pr and",
];
/// Terms that have to be refused for a value.
const WRONG_FOR_VALUES: &[&str] = &["type eq true", "primary eq \"true\"", "emails[type pr]", "primary gt true"];
/// Terms that have to be refused for a user.
const WRONG_FOR_USERS: &[&str] = &[
    "active gt true",
    "active lt false",
    "active co true",
    "active eq \"true\"",
    "active eq 1",
    "emails.primary ge true",
    "userName eq 5",
    "title eq true",
    "title gt null",
    "title co null",
    "meta.created gt \"yesterday\"",
    "name eq \"a\"",
    "name.noSuchPart eq \"a\"",
    "title.part eq \"a\"",
    "addresses eq \"a\"",
    "emails[]",
    "emails[type eq \"work\"",
    "emails[type eq \"work\"].value eq \"a\"",
    "emails[emails[type eq \"a\"]]",
    "title[type eq \"a\"]",
    "password eq \"a\"",
    "department eq \"a\"",
    "members.value eq \"a\"",
    "userName Eq TRUE",
    "active eq True",
    "x509Certificates.value gt \"a\"",
    "urn:example:1.0:User:title eq \"a\"",
];
/// Terms that have to be refused for a group.
const WRONG_FOR_GROUPS: &[&str] =
    &["userName eq \"a\"", "members[value eq", "members.type eq true", "displayName gt true", "emails pr"];

/// A term that has to be refused.
fn wrong(rng: &mut Rng, source: &Source<'_>) -> String {
    let others = match source {
        Source::Element(..) => WRONG_FOR_VALUES,
        Source::Resource(Kind::User, _) => WRONG_FOR_USERS,
        Source::Resource(Kind::Group, _) => WRONG_FOR_GROUPS,
    };
    one(rng, &[WRONG, others].concat()).to_owned()
}
