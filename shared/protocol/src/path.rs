//! Attribute notation (RFC 7644 §3.10): `userName`, `name.givenName`, `urn:…:User:manager.value`, in any case.

use std::fmt;

use schema::{Attribute, Dialect, Leniency, Object, ResourceType, Returned, Schema, Violation, resource_types};
use serde_json::Value;

/// An attribute of a resource type, or one of its sub-attributes.
#[derive(Debug, Clone, Copy)]
pub struct AttributePath {
    /// The extension that it belongs to; `None` for the core schema and the common attributes.
    pub extension: Option<&'static Schema>,
    pub attribute: &'static Attribute,
    pub sub: Option<&'static Attribute>,
    /// Whether the attribute belongs to another resource type than the one that is queried, so that no resource has
    /// a value here (RFC 7644 §3.4.2.1).
    pub is_of_other_type: bool,
}

/// The target of a path without a filter.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// An attribute or a sub-attribute.
    Attribute(AttributePath),
    /// A whole extension, by its URI.
    Extension(&'static Schema),
    /// The core schema, by its URI.
    Core,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Attribute(path) => path.fmt(f),
            Target::Extension(schema) => f.write_str(&schema.id),
            Target::Core => f.write_str("the core schema"),
        }
    }
}

impl AttributePath {
    /// Resolves an attribute path; `None` if the type has no such attribute.
    ///
    /// A name without a URI is resolved in the extension that has it, if the core schema does not have it (Entra
    /// ID: `manager`).
    pub fn resolve(definition: &'static ResourceType, text: &str) -> Option<AttributePath> {
        let within = |schema: &'static Schema| strip_urn(text, &schema.id);
        for extension in &definition.extensions {
            let build = |rest| Self::build(Some(extension.schema), rest, |name| extension.schema.attribute(name));
            if let Some(found) = within(extension.schema).and_then(build) {
                return Some(found);
            }
        }
        let name = within(definition.schema).unwrap_or(text);
        Self::build(None, name, |name| definition.attribute(name)).or_else(|| {
            definition.extensions.iter().map(|extension| extension.schema).find_map(|schema| {
                (name == text).then(|| Self::build(Some(schema), name, |name| schema.attribute(name))).flatten()
            })
        })
    }

    fn build(
        extension: Option<&'static Schema>,
        text: &str,
        find: impl Fn(&str) -> Option<&'static Attribute>,
    ) -> Option<AttributePath> {
        let (name, sub) = match text.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (text, None),
        };
        let attribute = find(name)?;
        let sub = match sub {
            Some(sub) => Some(attribute.sub_attribute(sub)?),
            None => None,
        };
        Some(AttributePath { extension, attribute, sub, is_of_other_type: false })
    }

    /// Checks that `text`, which resolved to this path, has the URI of the attribute's extension and uses canonical
    /// names.
    ///
    /// # Errors
    /// In a strict dialect, if it does not.
    pub fn check_spelling(&self, text: &str, dialect: &Dialect) -> Result<(), Violation> {
        if let Some((_, sub)) = self.sub.and(text.rsplit_once('.')) {
            self.leaf().check_name(sub, text, dialect)?;
        }
        let has_dot = |urn: &str| after_urn(text, urn).is_some_and(|rest| rest.starts_with('.'));
        if schema::schemas().iter().any(|schema| has_dot(&schema.id)) {
            dialect.tolerate(Leniency::DotsAfterUris, text)?;
        }
        match self.extension {
            Some(schema) if strip_urn(text, &schema.id).is_none() => {
                dialect.tolerate(Leniency::BareExtensionNames, text)
            }
            _ => Ok(()),
        }
    }

    /// The attribute whose characteristics apply to the values of the path: the sub-attribute, if there is one.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// The parts of its text, one after the other.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'static str> {
        let urn = self.extension.map(|schema| [schema.id.as_str(), ":"]);
        let sub = self.sub.map(|sub| [".", sub.name.as_str()]);
        urn.into_iter().flatten().chain([self.attribute.name.as_str()]).chain(sub.into_iter().flatten())
    }

    /// Whether its values are never returned.
    pub fn is_secret(&self) -> bool {
        [Some(self.attribute), self.sub].into_iter().flatten().any(|it| it.returned == Returned::Never)
    }

    /// Resolves a path among all resource types, the given one first (RFC 7644 §3.4.2.1).
    pub fn resolve_in_all_types(definition: &'static ResourceType, text: &str) -> Option<AttributePath> {
        Self::resolve(definition, text).or_else(|| {
            let found = resource_types().iter().find_map(|definition| Self::resolve(definition, text))?;
            Some(AttributePath { is_of_other_type: true, ..found })
        })
    }

    /// The value by which a resource is sorted: of a multi-valued attribute the primary value, else the first (RFC
    /// 7644 §3.4.2.3).
    pub fn sort_value<'o>(&self, resource: &'o Object) -> Option<&'o Value> {
        let whole = AttributePath { sub: None, ..*self };
        let elements = whole.values(resource);
        let is_primary = |element: &&&Value| element.get("primary") == Some(&Value::Bool(true));
        let element = elements.iter().find(is_primary).or(elements.first())?;
        match self.sub {
            None => Some(element),
            Some(sub) => element.get(&sub.name),
        }
    }

    /// The values of the path in a resource. The elements of a multi-valued attribute are separate values.
    pub fn values<'o>(&self, resource: &'o Object) -> Vec<&'o Value> {
        let elements = self.elements(resource);
        match self.sub {
            None => elements.iter().collect(),
            Some(sub) => elements.iter().filter_map(|element| element.get(&sub.name)).collect(),
        }
    }

    /// The elements of the attribute in a resource, which have the sub-attribute or not.
    pub(crate) fn elements<'o>(&self, resource: &'o Object) -> &'o [Value] {
        if self.is_of_other_type {
            return &[];
        }
        let holder = match self.extension {
            Some(schema) => resource.get(&schema.id).and_then(Value::as_object),
            None => Some(resource),
        };
        match holder.and_then(|holder| holder.get(&self.attribute.name)) {
            None => &[],
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(single) => std::slice::from_ref(single),
        }
    }
}

impl Target {
    /// Resolves a path or the URI of a schema.
    pub fn resolve(definition: &'static ResourceType, text: &str) -> Option<Target> {
        if text.eq_ignore_ascii_case(&definition.schema.id) {
            return Some(Target::Core);
        }
        match definition.extension(text) {
            Some(schema) => Some(Target::Extension(schema)),
            None => AttributePath::resolve(definition, text).map(Target::Attribute),
        }
    }
}

/// What follows the URI of a schema and a colon, or the dot that Apache Syncope puts there.
pub(crate) fn strip_urn<'t>(text: &'t str, urn: &str) -> Option<&'t str> {
    after_urn(text, urn)?.strip_prefix([':', '.'])
}

fn after_urn<'t>(text: &'t str, urn: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(urn.len())?;
    head.eq_ignore_ascii_case(urn).then_some(rest)
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().try_for_each(|part| f.write_str(part))
    }
}

#[cfg(test)]
mod tests {
    use schema::{Kind, resource_type};

    use super::*;

    #[test]
    fn each_form_of_path_resolves_to_its_attribute() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for (text, expect) in [
            ("USERNAME", Some("userName")),
            ("name.GivenName", Some("name.givenName")),
            ("urn:ietf:params:scim:schemas:core:2.0:user:name.familyName", Some("name.familyName")),
            ("meta.created", Some("meta.created")),
            ("externalid", Some("externalId")),
            (&format!("{enterprise}:manager.VALUE"), Some(&format!("{enterprise}:manager.value"))),
            ("manager", Some(&format!("{enterprise}:manager"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:manager", None),
            ("urn:ietf:params:scim:schemas:core:2.0:User.name.familyName", Some("name.familyName")),
            (&format!("{enterprise}.department"), Some(&format!("{enterprise}:department"))),
            ("name.nope", None),
            ("name.givenName.x", None),
            ("members", None),
            ("", None),
        ] {
            let path = AttributePath::resolve(resource_type(Kind::User), text);
            assert_eq!(path.map(|path| path.to_string()).as_deref(), expect, "{text}");
        }
        let dotted = format!("{enterprise}.department");
        let path = AttributePath::resolve(resource_type(Kind::User), &dotted).unwrap();
        let lenient = Dialect::lenient();
        assert!(
            path.check_spelling(&dotted, &lenient).is_ok() && path.check_spelling(&dotted, &Dialect::strict()).is_err()
        );
        assert_eq!(lenient.used().collect::<Vec<_>>(), [Leniency::DotsAfterUris]);
        assert!(matches!(Target::resolve(resource_type(Kind::User), enterprise), Some(Target::Extension(_))));
    }
}
