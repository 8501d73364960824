//! References to resources that the same request creates, `bulkId:…` (RFC 7644 §3.7.2): finds them, and replaces
//! them by ids.
//!
//! A reference may stand where the schema has a reference ([`ValueContext`]), also in extensions, which "MUST be
//! handled in the same way"; at the end of a `$ref`; in the filter of a PATCH's path; and in place of the id in an
//! operation's path.

use std::fmt;

use schema::{Kind, Object, resource_type};
use serde_json::Value;

use super::context::ValueContext;
use super::{Call, Method};
use crate::filter::pieces;

const PREFIX: &str = "bulkId:";

/// A reference from an operation to a resource that another operation creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub bulk_id: String,
    /// The location of the reference, such as `data.members[0].value`.
    pub location: String,
}

/// The bulkId in a text of the form `bulkId:…`.
pub(super) fn bulk_id_of(text: &str) -> Option<&str> {
    let (prefix, bulk_id) = text.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(bulk_id)
}

/// Finds all references of an operation.
pub(super) fn find(call: &Call) -> Vec<Reference> {
    let mut found = Vec::new();
    call.rewrite(&mut |location, bulk_id| {
        found.push(Reference { bulk_id: bulk_id.to_owned(), location: location.to_string() });
        None
    });
    found
}

impl Call {
    /// Replaces references by ids. A reference that `id_of` does not know stays.
    pub fn resolved<'i>(&self, id_of: impl Fn(&str) -> Option<&'i str>) -> Call {
        self.rewrite(&mut |_, bulk_id| id_of(bulk_id).map(str::to_owned))
    }

    /// The same operation without the members of the group, to create a group before its members.
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
        let data = match self.method {
            Method::Delete => Object::new(),
            _ => object(
                &self.data,
                &ValueLocation::Root("data"),
                ValueContext::data(self.method, resource_type(self.kind)),
                visit,
            ),
        };
        let id = bulk_id_of(&self.id).and_then(|bulk_id| visit(&ValueLocation::Root("path"), bulk_id));
        Call { id: id.unwrap_or_else(|| self.id.clone()), data, version: self.version.clone(), ..*self }
    }
}

/// The location of a value in the request.
enum ValueLocation<'a> {
    Root(&'static str),
    Name(&'a ValueLocation<'a>, &'a str),
    At(&'a ValueLocation<'a>, usize),
}

impl fmt::Display for ValueLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueLocation::Root(name) => f.write_str(name),
            ValueLocation::Name(location, name) => write!(f, "{location}.{name}"),
            ValueLocation::At(location, at) => write!(f, "{location}[{at}]"),
        }
    }
}

/// Receives each reference, and returns the text to replace it by.
type Visit<'v> = dyn FnMut(&ValueLocation<'_>, &str) -> Option<String> + 'v;

fn object(sent: &Object, location: &ValueLocation<'_>, context: ValueContext, visit: &mut Visit<'_>) -> Object {
    let mut written = Object::with_capacity(sent.len());
    for (name, content) in sent {
        let location = ValueLocation::Name(location, name);
        let inner = context.member(sent, name);
        let content = match (context, content) {
            (ValueContext::Patch(definition), Value::String(path)) if name.eq_ignore_ascii_case("path") => {
                literals(path, &location, ValueContext::Resource(definition), visit).into()
            }
            _ => value(content, &location, inner, visit),
        };
        // In the value of a PATCH, a name may be a path.
        written.insert(literals(name, &location, context, visit), content);
    }
    written
}

fn value(sent: &Value, location: &ValueLocation<'_>, context: ValueContext, visit: &mut Visit<'_>) -> Value {
    match sent {
        Value::String(sent) => text(sent, location, context, visit).into(),
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.map(|(at, element)| value(element, &ValueLocation::At(location, at), context, visit)).collect()
        }
        Value::Object(content) => Value::Object(object(content, location, context, visit)),
        other => other.clone(),
    }
}

fn text(sent: &str, location: &ValueLocation<'_>, context: ValueContext, visit: &mut Visit<'_>) -> String {
    resolve(sent, location, context, visit).unwrap_or_else(|| sent.to_owned())
}

/// Replaces the reference in a text by an id, if the text has a reference.
fn resolve(sent: &str, location: &ValueLocation<'_>, context: ValueContext, visit: &mut Visit<'_>) -> Option<String> {
    if !context.may_refer() {
        return None;
    }
    // In a URL, the reference follows a slash: `../Users/bulkId:a`.
    let id_at = sent.match_indices('/').map(|(at, _)| at + 1).filter(|_| context.is_url());
    let (before, bulk_id) = [0].into_iter().chain(id_at).find_map(|at| {
        let (before, rest) = sent.split_at_checked(at)?;
        Some((before, bulk_id_of(rest)?))
    })?;
    Some(format!("{before}{}", visit(location, bulk_id)?))
}

/// Replaces references in the filter of a path, `members[value eq "bulkId:a"]`, also without quotes, as Entra ID
/// sends them.
fn literals(path: &str, location: &ValueLocation<'_>, context: ValueContext, visit: &mut Visit<'_>) -> String {
    let Some((attribute, _)) = path.split_once('[') else { return path.to_owned() };
    let elements = context.at(attribute);
    let mut written = String::with_capacity(path.len());
    // A comparison is an attribute, an operator and a literal, so the attribute is two words before the literal.
    let mut compared = "";
    let mut operator = "";
    for piece in pieces(path) {
        let of = elements.at(compared);
        let quoted = serde_json::from_str::<String>(piece).ok();
        let resolved = match &quoted {
            Some(literal) => resolve(literal, location, of, visit).map(|id| Value::from(id).to_string()),
            None => resolve(piece, location, of, visit),
        };
        written.push_str(resolved.as_deref().unwrap_or(piece));
        if !piece.trim_matches(['(', ')', '[', ']']).trim().is_empty() {
            (compared, operator) = (operator, piece);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use schema::GROUP;
    use serde_json::json;

    use super::super::parse::tests::bulk;
    use super::*;

    #[test]
    fn references_in_all_locations_are_found_and_resolved() {
        let filter = r#"members[value eq "bulkId:a\"b" or value eq "x\\"]"#;
        let operation = json!({"method": "PATCH", "path": "/Groups/bulkId:g", "version": "W/\"1\"", "data": {
            "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:u", "$ref": "../Users/BulkId:u"}]},
                {"op": "remove", "path": filter},
                {"op": "add", "value": {r#"members[value eq "bulkId:k"].display"#: "bulkId:z",
                    (GROUP): {"Members": ["bulkId:m"]}}},
            ],
        }});
        let read = bulk(&json!([operation]));
        let [operation] = &read.operations[..] else { panic!() };
        let found: Vec<(&str, &str)> =
            operation.references.iter().map(|it| (it.bulk_id.as_str(), it.location.as_str())).collect();
        assert_eq!(
            found,
            [
                ("u", "data.Operations[0].value[0].value"),
                ("u", "data.Operations[0].value[0].$ref"),
                ("a\"b", "data.Operations[1].path"),
                ("k", r#"data.Operations[2].value.members[value eq "bulkId:k"].display"#),
                ("m", "data.Operations[2].value.urn:ietf:params:scim:schemas:core:2.0:Group.Members[0]"),
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
                {"op": "add", "value": {r#"members[value eq "1"].display"#: "bulkId:z",
                    (GROUP): {"Members": ["bulkId:m"]}}},
            ]})
        );
    }

    #[test]
    fn only_values_that_the_schema_defines_as_references_refer() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let patch = |operation: Value| ("PATCH", "/Users/1", json!({"Operations": [operation]}));
        let of_group = |operation: Value| ("PATCH", "/Groups/1", json!({"Operations": [operation]}));
        for ((method, path, data), expect) in [
            (
                (
                    "PUT",
                    "/Users/1",
                    json!({(enterprise): {"manager": {"value": "bulkId:a", "$ref": "https://x/Users/bulkId:b/c"}}}),
                ),
                "a b/c",
            ),
            (("PUT", "/Users/1", json!({(enterprise.to_uppercase()): {"MANAGER": "BULKID:a"}})), "a"),
            (
                (
                    "PUT",
                    "/Users/1",
                    json!({(enterprise): {"manager": {"managerId": "bulkId:a", "displayName": "bulkId:x"}}}),
                ),
                "a",
            ),
            (
                ("PUT", "/Groups/1", json!({"members": ["bulkId:a", {"VALUE": "bulkId:b", "display": "bulkId:x"}]})),
                "a b",
            ),
            (patch(json!({"op": "add", "path": format!("{enterprise}:manager"), "value": "bulkId:a"})), "a"),
            (patch(json!({"op": "add", "path": format!("{enterprise}:manager.value"), "value": "bulkId:a"})), "a"),
            (patch(json!({"op": "add", "path": "manager", "value": [{"value": "bulkId:a"}]})), "a"),
            (patch(json!({"op": "add", "path": enterprise, "value": {"manager": {"value": "bulkId:a"}}})), "a"),
            (patch(json!({"op": "add", "value": {format!("{enterprise}:manager.value"): "bulkId:a"}})), "a"),
            (patch(json!({"OP": "add", "PATH": "Manager", "VALUE": "bulkId:a"})), "a"),
            (of_group(json!({"op": "remove", "path": "members", "value": [{"value": "bulkId:a"}]})), "a"),
            (
                of_group(
                    json!({"op": "remove", "path": "members[(value eq \"bulkId:a\") or not(value ne \"bulkId:b\")]"}),
                ),
                "a b",
            ),
            (of_group(json!({"op": "remove", "path": "members[value eq bulkId:a]"})), "a"),
            (
                of_group(json!({"op": "remove",
                        "path": "members[display eq x and (value eq BulkId:a)or value eq bulkId:b]"})),
                "a b",
            ),
            (of_group(json!({"op": "remove", "path": "members[\tvalue\teq\n\"bulkId:a\"]"})), "a"),
            (
                of_group(
                    json!({"op": "remove", "path": "members[value eq\"bulkId:a\"or value\u{a0}eq\u{a0}\"bulkId:b\"]"}),
                ),
                "a b",
            ),
            (of_group(json!({"op": "remove", "path": "members[$ref eq \"https://x/Groups/bulkId:a\"]"})), "a"),
            (of_group(json!({"op": "add", "value": {"members[value eq bulkId:a].display": "x"}})), "a"),
            // Ordinary texts.
            (
                (
                    "PUT",
                    "/Users/1",
                    json!({"displayName": "bulkId:x", "name": {"givenName": "bulkId:x"}, "externalId": "bulkId:x"}),
                ),
                "",
            ),
            (
                (
                    "PUT",
                    "/Users/1",
                    json!({"profileUrl": "bulkId:x", "emails": [{"value": "bulkId:x"}], "ims": "bulkId:x"}),
                ),
                "",
            ),
            (
                (
                    "PUT",
                    "/Users/1",
                    json!({(enterprise): {"department": "bulkId:x"}, "urn:x": {"manager": "bulkId:x"}}),
                ),
                "",
            ),
            (("PUT", "/Users/1", json!({"id": "bulkId:x", "groups": [{"value": "bulkId:x"}], "nope": "bulkId:x"})), ""),
            (patch(json!({"op": "add", "path": "displayName", "value": "bulkId:x"})), ""),
            (
                patch(
                    json!({"op": "bulkId:x", "path": "bulkId:x", "value": {"title": "bulkId:x"}, "else": "bulkId:x"}),
                ),
                "",
            ),
            (patch(json!({"op": "replace", "path": "emails[value eq \"bulkId:x\"].display", "value": "bulkId:x"})), ""),
            (of_group(json!({"op": "remove", "path": "members[display eq \"bulkId:x\" or display eq bulkId:x]"})), ""),
            (of_group(json!({"op": "remove", "path": "members[bulkId:x eq \"1\"]"})), ""),
        ] {
            let read = bulk(&json!([{"method": method, "path": path, "data": data}]));
            let found: Vec<&str> = read.operations[0].references.iter().map(|it| it.bulk_id.as_str()).collect();
            assert_eq!(found.join(" "), expect, "{method} {data}");
        }
    }

    #[test]
    fn resolving_keeps_the_rest_of_the_filter() {
        for (path, expect) in [
            ("members[value eq bulkId:a]", "members[value eq 1]"),
            ("members[value eq \"bulkId:a\"or value\teq bulkId:a ]", "members[value eq \"1\"or value\teq 1 ]"),
            ("members[$ref eq \"../Users/bulkId:a\"].x", "members[$ref eq \"../Users/1\"].x"),
        ] {
            let data = json!({"Operations": [{"op": "remove", "path": path}]});
            let read = bulk(&json!([{"method": "PATCH", "path": "/Groups/1", "data": data}]));
            let data = read.operations[0].call.as_ref().unwrap().resolved(|_| Some("1")).data;
            assert_eq!(data["Operations"][0]["path"], expect);
        }
    }

    #[test]
    fn text_that_is_not_a_reference_is_unchanged() {
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
    fn without_members_removes_members_of_groups_only() {
        let group = json!({"Members": [], "displayName": "g", (GROUP): {"members": [1], "displayName": "h"}});
        let user = json!({"members": []});
        for (path, data, expect) in [
            ("/Groups", &group, json!({"displayName": "g", (GROUP): {"displayName": "h"}})),
            ("/Users", &user, user.clone()),
        ] {
            let read = bulk(&json!([{"method": "POST", "path": path, "bulkId": "a", "data": data}]));
            assert_eq!(Value::Object(read.operations[0].call.as_ref().unwrap().without_members().data), expect);
        }
    }
}
