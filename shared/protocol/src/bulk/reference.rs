//! References to what the same request creates, `bulkId:…` (RFC 7644 §3.7.2): where they stand, and ids in their place.
//!
//! A value that begins so is one wherever it stands in `data`, because extensions "MUST be handled in the same way"; so is
//! the end of a `$ref`, a string in the filter of a PATCH's path, and the id in an operation's path.

use std::fmt;

use schema::{Kind, Object};
use serde_json::Value;

use super::{Call, Verb};

const PREFIX: &str = "bulkId:";

/// That an operation needs what another one creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub bulk_id: String,
    /// `data.members[0].value`.
    pub place: String,
}

/// The bulkId that a text refers to.
pub(super) fn named(text: &str) -> Option<&str> {
    let (prefix, bulk_id) = text.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(bulk_id)
}

/// Every reference of an operation.
pub(super) fn find(call: &Call) -> Vec<Reference> {
    let mut found = Vec::new();
    call.rewrite(&mut |place, bulk_id| {
        found.push(Reference { bulk_id: bulk_id.to_owned(), place: place.to_string() });
        None
    });
    found
}

impl Call {
    /// The same with ids in the place of references. One that `id_of` does not know stays.
    pub fn resolved<'i>(&self, id_of: impl Fn(&str) -> Option<&'i str>) -> Call {
        self.rewrite(&mut |_, bulk_id| id_of(bulk_id).map(str::to_owned))
    }

    /// A group that is created before its members are.
    pub fn without_members(&self) -> Call {
        let is_members = |name: &str| self.kind == Kind::Group && name.eq_ignore_ascii_case("members");
        let mut data = self.data.clone();
        data.retain(|name, _| !is_members(name));
        for (_, core) in data.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(schema::GROUP)) {
            core.as_object_mut().into_iter().for_each(|core| core.retain(|name, _| !is_members(name)));
        }
        Call { data, ..self.clone() }
    }

    fn rewrite(&self, visit: &mut Visit<'_>) -> Call {
        let data = match self.verb {
            Verb::Delete => Object::new(),
            _ => object(&self.data, &Place::Root("data"), visit),
        };
        let id = text(&self.id, &Place::Root("path"), visit);
        Call { id, data, version: self.version.clone(), ..*self }
    }
}

/// Where a value stands.
enum Place<'a> {
    Root(&'static str),
    Name(&'a Place<'a>, &'a str),
    At(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn is_named(&self, wanted: &str) -> bool {
        matches!(self, Place::Name(_, name) if name.eq_ignore_ascii_case(wanted))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root(name) => f.write_str(name),
            Place::Name(place, name) => write!(f, "{place}.{name}"),
            Place::At(place, at) => write!(f, "{place}[{at}]"),
        }
    }
}

/// Is shown each reference, and says what stands there instead.
type Visit<'v> = dyn FnMut(&Place<'_>, &str) -> Option<String> + 'v;

fn object(sent: &Object, place: &Place<'_>, visit: &mut Visit<'_>) -> Object {
    let mut written = Object::with_capacity(sent.len());
    for (name, content) in sent {
        let place = Place::Name(place, name);
        // The name of a value in a PATCH may be a path.
        written.insert(literals(name, &place, visit), value(content, &place, visit));
    }
    written
}

fn value(sent: &Value, place: &Place<'_>, visit: &mut Visit<'_>) -> Value {
    match sent {
        Value::String(sent) => text(sent, place, visit).into(),
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.map(|(at, element)| value(element, &Place::At(place, at), visit)).collect()
        }
        Value::Object(content) => Value::Object(object(content, place, visit)),
        other => other.clone(),
    }
}

fn text(sent: &str, place: &Place<'_>, visit: &mut Visit<'_>) -> String {
    if let Some(bulk_id) = named(sent) {
        return visit(place, bulk_id).unwrap_or_else(|| sent.to_owned());
    }
    if place.is_named("$ref")
        && let Some((endpoint, last)) = sent.rsplit_once('/')
        && let Some(id) = named(last).and_then(|bulk_id| visit(place, bulk_id))
    {
        return format!("{endpoint}/{id}");
    }
    if place.is_named("path") { literals(sent, place, visit) } else { sent.to_owned() }
}

/// `members[value eq "bulkId:a"]`.
fn literals(path: &str, place: &Place<'_>, visit: &mut Visit<'_>) -> String {
    let (mut written, mut rest) = (String::new(), path);
    while let Some((before, from)) = rest.find('"').and_then(|at| rest.split_at_checked(at)) {
        let Some((literal, after)) = from.split_at_checked(length(from)) else { break };
        let bulk_id = serde_json::from_str::<String>(literal).ok();
        let id = bulk_id.as_deref().and_then(named).and_then(|bulk_id| visit(place, bulk_id));
        written.push_str(before);
        written.push_str(&id.map_or_else(|| literal.to_owned(), |id| Value::from(id).to_string()));
        rest = after;
    }
    written + rest
}

/// Of the string in quotation marks with which a text begins; of the whole text if it does not end.
fn length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::bulk;
    use super::*;

    #[test]
    fn references_are_found_and_resolved_wherever_they_stand() {
        let filter = r#"members[value eq "bulkId:a\"b" or value eq "x\\"]"#;
        let operation = json!({"method": "PATCH", "path": "/Groups/bulkId:g", "version": "W/\"1\"", "data": {
            "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:u", "$ref": "../Users/BulkId:u"}]},
                {"op": "remove", "path": filter},
                {"op": "add", "value": {r#"members[value eq "bulkId:k"].display"#: "not a bulkId:z", "urn:x": {"y": "bulkId:m"}}},
            ],
        }});
        let read = bulk(&json!([operation]));
        let [operation] = &read.operations[..] else { panic!() };
        let found: Vec<(&str, &str)> =
            operation.references.iter().map(|it| (it.bulk_id.as_str(), it.place.as_str())).collect();
        assert_eq!(
            found,
            [
                ("u", "data.Operations[0].value[0].value"),
                ("u", "data.Operations[0].value[0].$ref"),
                ("a\"b", "data.Operations[1].path"),
                ("k", r#"data.Operations[2].value.members[value eq "bulkId:k"].display"#),
                ("m", "data.Operations[2].value.urn:x.y"),
                ("g", "path"),
            ]
        );
        let call = operation.call.as_ref().unwrap().resolved(|bulk_id| (bulk_id != "m").then_some("1"));
        assert_eq!(call.id, "1");
        assert_eq!(
            Value::Object(call.data),
            json!({"Operations": [
                {"op": "add", "path": "members", "value": [{"value": "1", "$ref": "../Users/1"}]},
                {"op": "remove", "path": r#"members[value eq "1" or value eq "x\\"]"#},
                {"op": "add", "value": {r#"members[value eq "1"].display"#: "not a bulkId:z", "urn:x": {"y": "bulkId:m"}}},
            ]})
        );
    }

    #[test]
    fn what_is_no_reference_stays() {
        for path in [r#"members[value eq "bulkId:a"#, r#"x "a\"#, "\"", "é\"", "bulkI"] {
            let data = json!({"path": path, "displayName": "say \"bulkId:a\" twice", "n": 1});
            let operation = json!({"method": "PUT", "path": "/Groups/1", "data": data});
            let read = bulk(&json!([operation]));
            let call = read.operations[0].call.as_ref().unwrap();
            assert!(read.operations[0].references.is_empty(), "{path}");
            assert_eq!(Value::Object(call.resolved(|_| Some("1")).data), data);
        }
    }

    #[test]
    fn a_group_can_be_told_apart_from_its_members() {
        let group = json!({"Members": [], "displayName": "g", (schema::GROUP): {"members": [1], "displayName": "h"}});
        let user = json!({"members": []});
        for (path, data, expect) in [
            ("/Groups", &group, json!({"displayName": "g", (schema::GROUP): {"displayName": "h"}})),
            ("/Users", &user, user.clone()),
        ] {
            let read = bulk(&json!([{"method": "POST", "path": path, "bulkId": "a", "data": data}]));
            assert_eq!(Value::Object(read.operations[0].call.as_ref().unwrap().without_members().data), expect);
        }
    }
}
