//! The values that may refer to a resource according to the schema (RFC 7644 §3.7.2): the `value` next to a `$ref`,
//! and attributes of type reference.
//!
//! Any other text that begins with `bulkId:` is an ordinary text, such as a `displayName` or an `externalId`. The
//! schema of a deployer's extension does not specify which of its strings are ids, so each of them may be a
//! reference.

use schema::{Attribute, DataType, Kind, Mutability, Object, ResourceType, Schema};

use super::Method;
use crate::path::Target;

/// The prefix of the schemas of RFC 7643, which define for each attribute whether it refers to a resource.
const RFC_SCHEMAS: &str = "urn:ietf:params:scim:schemas:";

/// The part of the schema that a value belongs to.
#[derive(Clone, Copy)]
pub(super) enum ValueContext {
    /// A resource. Its names may be paths.
    Resource(&'static ResourceType),
    /// The object of an extension in a resource.
    Extension(&'static ResourceType, &'static Schema),
    /// The value of an attribute.
    Attribute(AttributeContext),
    /// The body of a PATCH, and each of its operations.
    Patch(&'static ResourceType),
    /// An unknown or read-only attribute. The service ignores or rejects it with any value.
    Unknown,
}

/// An attribute, or a sub-attribute.
#[derive(Clone, Copy)]
pub(super) struct AttributeContext {
    attribute: &'static Attribute,
    /// Whether a text may refer to a resource.
    may_refer: bool,
    /// Whether it belongs to a deployer's extension, in which every string may refer.
    is_custom: bool,
}

impl ValueContext {
    /// The context of an operation's `data`.
    pub(super) fn data(method: Method, definition: &'static ResourceType) -> ValueContext {
        if method == Method::Patch { ValueContext::Patch(definition) } else { ValueContext::Resource(definition) }
    }

    /// The context of the member `name` of `object`.
    pub(super) fn member(self, object: &Object, name: &str) -> ValueContext {
        match self {
            ValueContext::Patch(_) if name.eq_ignore_ascii_case("operations") => self,
            ValueContext::Patch(definition) if name.eq_ignore_ascii_case("value") => {
                let path = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("path"));
                ValueContext::Resource(definition).at(path.and_then(|(_, path)| path.as_str()).unwrap_or_default())
            }
            ValueContext::Patch(_) => ValueContext::Unknown,
            _ => self.at(name),
        }
    }

    /// The context of the values of a path. A filter in it does not matter.
    pub(super) fn at(self, path: &str) -> ValueContext {
        let (before, rest) = path.split_once('[').unwrap_or((path, ""));
        let after = rest.rsplit_once(']').map_or("", |(_, after)| after);
        let path = format!("{}{}", before.trim(), after.trim());
        match self {
            ValueContext::Resource(_) if path.is_empty() => self,
            ValueContext::Resource(definition) => Self::resolve(definition, &path),
            ValueContext::Extension(definition, schema) => Self::resolve(definition, &format!("{}:{path}", schema.id)),
            ValueContext::Attribute(AttributeContext { attribute, is_custom, .. }) => {
                let sub = attribute.sub_attribute(&path);
                sub.map_or(ValueContext::Unknown, |sub| Self::attribute(sub, Some(attribute), is_custom))
            }
            ValueContext::Patch(_) | ValueContext::Unknown => ValueContext::Unknown,
        }
    }

    fn resolve(definition: &'static ResourceType, path: &str) -> ValueContext {
        match Target::resolve(definition, path) {
            Some(Target::Core) => ValueContext::Resource(definition),
            Some(Target::Extension(schema)) => ValueContext::Extension(definition, schema),
            Some(Target::Attribute(path)) => {
                let is_custom = path.extension.is_some_and(|schema| !schema.id.starts_with(RFC_SCHEMAS));
                match (path.sub, Self::attribute(path.attribute, None, is_custom)) {
                    (Some(sub), ValueContext::Attribute(_)) => Self::attribute(sub, Some(path.attribute), is_custom),
                    (_, whole) => whole,
                }
            }
            None => ValueContext::Unknown,
        }
    }

    fn attribute(attribute: &'static Attribute, parent: Option<&'static Attribute>, is_custom: bool) -> ValueContext {
        if attribute.mutability == Mutability::ReadOnly {
            return ValueContext::Unknown;
        }
        // A manager or a member may be sent as its `value` alone.
        let may_refer = match attribute.data_type {
            DataType::Complex => has_reference(attribute) || (is_custom && attribute.sub_attribute("value").is_some()),
            DataType::Reference => is_of_resources(attribute),
            DataType::String => is_custom || (attribute.name == "value" && parent.is_some_and(has_reference)),
            _ => false,
        };
        ValueContext::Attribute(AttributeContext { attribute, may_refer, is_custom })
    }

    /// Whether a text may refer to a resource.
    pub(super) fn may_refer(self) -> bool {
        matches!(self, ValueContext::Attribute(AttributeContext { may_refer: true, .. }))
    }

    /// Whether a text is a URL of a resource.
    pub(super) fn is_url(self) -> bool {
        match self {
            ValueContext::Attribute(AttributeContext { attribute, may_refer, .. }) => {
                may_refer && attribute.data_type == DataType::Reference
            }
            _ => false,
        }
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
    fn strings_of_custom_extension_may_refer() {
        let registry: &'static Registry = Box::leak(Box::new(Registry::read(&[("badge.json", FILE)]).unwrap()));
        let user = ValueContext::data(Method::Replace, registry.resource_type(Kind::User));
        for (path, expect) in [
            ("serial", true),
            ("tags", true),
            ("doors.value", true),
            // A complex value may be sent as its `value` alone.
            ("doors", true),
            ("holder", false),
            ("floor", false),
            ("printedBy", false),
        ] {
            assert_eq!(user.at(BADGE).at(path).may_refer(), expect, "{path}");
        }
    }
}
