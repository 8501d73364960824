//! Which attributes an answer holds (RFC 7644 §3.9, RFC 7643 §7 "returned").

use schema::{Attribute, Dialect, Object, ResourceType, Returned, resource_types};
use serde_json::Value;

use crate::Error;
use crate::path::{AttributePath, Target};

/// The `attributes` and `excludedAttributes` of a request.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    mode: Mode,
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// Neither parameter: what is returned by default.
    #[default]
    Default,
    Only,
    Except,
}

impl Projection {
    /// Reads the two parameters, each a list with commas between.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if both are there, [`Error::InvalidPath`] for what cannot be an attribute's name. A name that
    /// no schema has selects nothing.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>, dialect: &Dialect) -> Result<Projection, Error> {
        let attributes = attributes.filter(|list| !list.trim().is_empty());
        let excluded = excluded.filter(|list| !list.trim().is_empty());
        let (mode, list) = match (attributes, excluded) {
            (Some(_), Some(_)) => {
                let problem = "attributes and excludedAttributes cannot be sent together; send one of them.";
                return Err(Error::InvalidValue(problem.to_owned()));
            }
            (Some(list), None) => (Mode::Only, list),
            (None, Some(list)) => (Mode::Except, list),
            (None, None) => return Ok(Projection::default()),
        };
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "$-_.:".contains(c);
        if let Some(bad) = names.iter().find(|name| !name.chars().all(allowed)) {
            return Err(Error::InvalidPath(format!("`{bad}` is not the name of an attribute.")));
        }
        for (name, definition) in names.iter().flat_map(|name| resource_types().iter().map(move |it| (name, it))) {
            if let Some(path) = AttributePath::resolve(definition, name) {
                path.check_spelling(name, dialect)?;
            }
        }
        Ok(Projection { mode, names })
    }

    /// Whether the request names attributes in either way. PATCH then answers with a body (RFC 7644 §3.5.2).
    pub fn is_asked_for(&self) -> bool {
        self.mode != Mode::Default
    }

    /// Whether an attribute, or a part of it, will be in the answer, so that it has to be read.
    pub fn wants(&self, definition: &'static ResourceType, attribute: &str) -> bool {
        let Some(attribute) = definition.attribute(attribute) else { return false };
        let targets = self.targets(definition);
        matches!(choose(self.mode, &targets, None, attribute), Choice::Whole | Choice::Parts)
    }

    /// The part of a resource that the answer holds.
    pub fn apply(&self, definition: &'static ResourceType, resource: Object) -> Object {
        let targets = self.targets(definition);
        let mut answer = Object::new();
        for (name, value) in resource {
            if let Some(attribute) = definition.attribute(&name) {
                answer.extend(project(self.mode, &targets, None, attribute, value).map(|value| (name, value)));
            } else if let (Some(schema), Value::Object(content)) = (definition.extension(&name), value) {
                let kept: Object = content
                    .into_iter()
                    .filter_map(|(name, value)| {
                        let attribute = schema.attribute(&name)?;
                        Some((name, project(self.mode, &targets, Some(&schema.id), attribute, value)?))
                    })
                    .collect();
                if !kept.is_empty() {
                    answer.insert(name, Value::Object(kept));
                }
            }
        }
        answer
    }

    fn targets(&self, definition: &'static ResourceType) -> Vec<Target> {
        self.names.iter().filter_map(|name| Target::resolve(definition, name)).collect()
    }
}

enum Choice {
    Whole,
    /// Some sub-attributes.
    Parts,
    Nothing,
}

/// What becomes of an attribute of the core schema (`None`) or of an extension.
fn choose(mode: Mode, targets: &[Target], extension: Option<&str>, attribute: &Attribute) -> Choice {
    let named = targets.iter().any(|target| names_whole(target, extension, attribute));
    let part = targets.iter().any(|target| names_part(target, extension, attribute).is_some());
    match (attribute.returned, mode) {
        (Returned::Never, _) => Choice::Nothing,
        (Returned::Always, _) => Choice::Whole,
        (_, Mode::Only) if named => Choice::Whole,
        (_, Mode::Only) if part => Choice::Parts,
        (_, Mode::Only) | (Returned::Request, _) => Choice::Nothing,
        (Returned::Default, Mode::Except) if named => Choice::Nothing,
        (Returned::Default, Mode::Except) if part => Choice::Parts,
        (Returned::Default, _) => Choice::Whole,
    }
}

fn project(
    mode: Mode,
    targets: &[Target],
    extension: Option<&str>,
    attribute: &Attribute,
    value: Value,
) -> Option<Value> {
    let keep = |sub: &Attribute| {
        let named =
            targets.iter().filter_map(|target| names_part(target, extension, attribute)).any(|name| name == sub.name);
        sub.returned != Returned::Never && (sub.returned == Returned::Always || named == (mode == Mode::Only))
    };
    let reduce = |element: Value| match element {
        Value::Object(element) => {
            let kept = element.into_iter().filter(|(name, _)| attribute.sub_attribute(name).is_some_and(keep));
            let kept: Object = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other),
    };
    match choose(mode, targets, extension, attribute) {
        Choice::Nothing => None,
        Choice::Whole => Some(value),
        Choice::Parts => match value {
            Value::Array(elements) => {
                let kept: Vec<Value> = elements.into_iter().filter_map(reduce).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            single => reduce(single),
        },
    }
}

fn same_extension(path: &AttributePath, extension: Option<&str>) -> bool {
    path.extension.map(|schema| schema.id.as_str()) == extension
}

fn names_whole(target: &Target, extension: Option<&str>, attribute: &Attribute) -> bool {
    match target {
        Target::Extension(schema) => extension == Some(schema.id.as_str()),
        Target::Core => extension.is_none(),
        Target::Attribute(path) => {
            path.sub.is_none() && path.attribute.name == attribute.name && same_extension(path, extension)
        }
    }
}

fn names_part(target: &Target, extension: Option<&str>, attribute: &Attribute) -> Option<&'static str> {
    match target {
        Target::Attribute(path) if path.attribute.name == attribute.name && same_extension(path, extension) => {
            path.sub.map(|sub| sub.name.as_str())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::{Kind, resource_type};
    use serde_json::json;

    use super::*;

    fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Projection, Error> {
        Projection::parse(attributes, excluded, &Dialect::lenient())
    }

    #[test]
    fn attributes_are_chosen_by_their_class_and_name() {
        const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let whole = json!({"schemas": ["s"], "id": "1", "userName": "b", "name": {"givenName": "G", "familyName": "F"},
            "emails": [{"value": "v", "type": "work"}, {"type": "home"}], E: {"department": "D", "division": "V"}});
        let ids = |rest: Value| {
            let mut object = json!({"schemas": ["s"], "id": "1"}).as_object().unwrap().clone();
            object.extend(rest.as_object().unwrap().clone());
            Value::Object(object)
        };
        for (attributes, excluded, expect) in [
            (None, None, whole.clone()),
            (Some("USERNAME"), None, ids(json!({"userName": "b"}))),
            (
                Some("name.givenName, emails.value"),
                None,
                ids(json!({"name": {"givenName": "G"}, "emails": [{"value": "v"}]})),
            ),
            (Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"), None, ids(json!({"userName": "b"}))),
            (Some(&*format!("{E}:department")), None, ids(json!({E: {"department": "D"}}))),
            (Some(E), None, ids(json!({E: {"department": "D", "division": "V"}}))),
            (Some("nope"), None, ids(json!({}))),
            (
                None,
                Some("id,schemas,emails,name.familyName,userName"),
                ids(json!({"name": {"givenName": "G"}, E: {"department": "D", "division": "V"}})),
            ),
            (
                None,
                Some(E),
                ids(
                    json!({"userName": "b", "name": {"givenName": "G", "familyName": "F"}, "emails": [{"value": "v", "type": "work"}, {"type": "home"}]}),
                ),
            ),
        ] {
            let projection = parse(attributes, excluded).unwrap();
            let once = projection.apply(resource_type(Kind::User), whole.as_object().unwrap().clone());
            assert_eq!(Value::Object(once.clone()), expect, "{attributes:?} {excluded:?}");
            assert_eq!(projection.apply(resource_type(Kind::User), once.clone()), once, "idempotent");
        }
    }

    #[test]
    fn bad_parameters_are_refused_and_members_are_read_when_wanted() {
        assert!(parse(Some("a"), Some("b")).is_err());
        assert!(parse(Some("a[b"), None).is_err());
        assert!(parse(Some("a,,b,"), None).is_ok());
        let wants =
            |attributes, excluded| parse(attributes, excluded).unwrap().wants(resource_type(Kind::Group), "members");
        assert!(wants(None, None) && wants(Some("members.value"), None) && wants(None, Some("members.display")));
        assert!(!wants(Some("displayName"), None) && !wants(None, Some("Members")));
    }
}
