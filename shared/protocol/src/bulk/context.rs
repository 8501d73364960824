//! Which texts may refer to a resource (RFC 7644 §3.7.2), by the schema: the `value` beside a `$ref`, and references to
//! resources.
//!
//! Any other text that begins with `bulkId:` is a text like all: a `displayName`, an `externalId`. Nothing says which strings of
//! an extension that a deployer added are ids, so there each of them may refer.

use schema::{Attribute, DataType, Kind, Mutability, Object, ResourceType, Schema};

use super::Method;
use crate::path::Target;

/// The schemas of RFC 7643 say of each attribute whether it refers.
const RFC: &str = "urn:ietf:params:scim:schemas:";

/// What a value is the value of.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    /// A resource. Names in it may be paths.
    Resource(&'static ResourceType),
    /// What a resource has of an extension.
    Extension(&'static ResourceType, &'static Schema),
    Attribute(Meaning),
    /// The body of a PATCH, and each of its operations.
    Patch(&'static ResourceType),
    /// What is unknown, read-only or of another type is passed over or refused, whatever it says.
    Unknown,
}

/// An attribute, or a sub-attribute.
#[derive(Clone, Copy)]
pub(super) struct Meaning {
    attribute: &'static Attribute,
    /// Whether a text may refer.
    refers: bool,
    /// Whether every string may.
    free: bool,
}

impl Scope {
    /// The `data` of an operation.
    pub(super) fn data(verb: Method, definition: &'static ResourceType) -> Scope {
        if verb == Method::Patch { Scope::Patch(definition) } else { Scope::Resource(definition) }
    }

    /// What is called `name` among the members of `object`.
    pub(super) fn member(self, object: &Object, name: &str) -> Scope {
        match self {
            Scope::Patch(_) if name.eq_ignore_ascii_case("operations") => self,
            Scope::Patch(definition) if name.eq_ignore_ascii_case("value") => {
                let path = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("path"));
                Scope::Resource(definition).at(path.and_then(|(_, path)| path.as_str()).unwrap_or_default())
            }
            Scope::Patch(_) => Scope::Unknown,
            _ => self.at(name),
        }
    }

    /// What a path leads to. It is the same whatever a filter in it chooses.
    pub(super) fn at(self, path: &str) -> Scope {
        let (before, rest) = path.split_once('[').unwrap_or((path, ""));
        let after = rest.rsplit_once(']').map_or("", |(_, after)| after);
        let path = format!("{}{}", before.trim(), after.trim());
        match self {
            Scope::Resource(_) if path.is_empty() => self,
            Scope::Resource(definition) => Self::resolve(definition, &path),
            Scope::Extension(definition, schema) => Self::resolve(definition, &format!("{}:{path}", schema.id)),
            Scope::Attribute(Meaning { attribute, free, .. }) => {
                let sub = attribute.sub_attribute(&path);
                sub.map_or(Scope::Unknown, |sub| Self::attribute(sub, Some(attribute), free))
            }
            Scope::Patch(_) | Scope::Unknown => Scope::Unknown,
        }
    }

    fn resolve(definition: &'static ResourceType, path: &str) -> Scope {
        match Target::resolve(definition, path) {
            Some(Target::Core) => Scope::Resource(definition),
            Some(Target::Extension(schema)) => Scope::Extension(definition, schema),
            Some(Target::Attribute(path)) => {
                let free = path.extension.is_some_and(|schema| !schema.id.starts_with(RFC));
                match (path.sub, Self::attribute(path.attribute, None, free)) {
                    (Some(sub), Scope::Attribute(_)) => Self::attribute(sub, Some(path.attribute), free),
                    (_, whole) => whole,
                }
            }
            None => Scope::Unknown,
        }
    }

    fn attribute(attribute: &'static Attribute, parent: Option<&'static Attribute>, free: bool) -> Scope {
        if attribute.mutability == Mutability::ReadOnly {
            return Scope::Unknown;
        }
        // A manager or a member may be its bare `value`.
        let refers = match attribute.data_type {
            DataType::Complex => has_reference(attribute) || (free && attribute.sub_attribute("value").is_some()),
            DataType::Reference => is_of_resources(attribute),
            DataType::String => free || (attribute.name == "value" && parent.is_some_and(has_reference)),
            _ => false,
        };
        Scope::Attribute(Meaning { attribute, refers, free })
    }

    /// Whether a text here may refer.
    pub(super) fn refers(self) -> bool {
        matches!(self, Scope::Attribute(Meaning { refers: true, .. }))
    }

    /// Whether a text here is a URL.
    pub(super) fn is_url(self) -> bool {
        matches!(self, Scope::Attribute(meaning) if meaning.refers && meaning.attribute.data_type == DataType::Reference)
    }
}

fn has_reference(attribute: &'static Attribute) -> bool {
    attribute.sub_attribute("$ref").is_some_and(is_of_resources)
}

fn is_of_resources(attribute: &'static Attribute) -> bool {
    attribute.reference_types.iter().any(|name| Kind::ALL.into_iter().any(|kind| kind.name() == name))
}

#[cfg(test)]
mod tests {
    use schema::Registry;

    use super::*;

    const FILE: &str = include_str!("../../../../shared/acceptance/extensions/badge.json");
    const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

    #[test]
    fn any_string_of_an_extension_may_refer() {
        let registry: &'static Registry = Box::leak(Box::new(Registry::read(&[("badge.json", FILE)]).unwrap()));
        let user = Scope::data(Method::Replace, registry.resource_type(Kind::User));
        for (path, expect) in [
            ("serial", true),
            ("tags", true),
            ("doors.value", true),
            // A complex value may be its bare `value`.
            ("doors", true),
            ("holder", false),
            ("floor", false),
            ("printedBy", false),
        ] {
            assert_eq!(user.at(BADGE).at(path).refers(), expect, "{path}");
        }
    }
}
