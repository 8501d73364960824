//! Resolves the names in a filter (RFC 7644 §3.10).

use schema::{Attribute, Dialect, ResourceType};

use super::ParseError;
use crate::path::AttributePath;

/// Where the names in a filter are looked up.
#[derive(Clone, Copy)]
pub(super) enum Namespace {
    /// Among the attributes of a resource type.
    Resource(&'static ResourceType),
    /// Among the attributes of all types, in a query for all types; the filter is evaluated on this type.
    Any(&'static ResourceType),
    /// Among the sub-attributes of an attribute, inside `[…]`.
    Element(&'static Attribute),
}

impl Namespace {
    /// Resolves an attribute path.
    pub(super) fn path(self, at: usize, word: &str, dialect: &Dialect) -> Result<AttributePath, ParseError> {
        let check_spelling = |path: AttributePath| match path.check_spelling(word, dialect) {
            Ok(()) => Ok(path),
            Err(violation) => Err(ParseError::not_tolerated(at, violation)),
        };
        match self {
            Namespace::Resource(definition) => AttributePath::resolve(definition, word)
                .ok_or_else(|| ParseError::new(at, format!("{} has no attribute `{word}`", definition.kind)))
                .and_then(check_spelling),
            Namespace::Any(definition) => AttributePath::resolve_in_all_types(definition, word)
                .ok_or_else(|| ParseError::new(at, format!("no resource type has an attribute `{word}`")))
                .and_then(check_spelling),
            Namespace::Element(attribute) => {
                let attribute = sub_attribute(attribute, at, word, dialect)?;
                Ok(AttributePath { extension: None, attribute, sub: None, is_of_other_type: false })
            }
        }
    }

    /// The attribute whose elements are filtered, inside `[…]`.
    pub(super) fn holder(self) -> Option<&'static Attribute> {
        match self {
            Namespace::Resource(_) | Namespace::Any(_) => None,
            Namespace::Element(attribute) => Some(attribute),
        }
    }
}

/// Finds a sub-attribute by its name.
pub(super) fn sub_attribute(
    attribute: &'static Attribute,
    at: usize,
    name: &str,
    dialect: &Dialect,
) -> Result<&'static Attribute, ParseError> {
    let unknown = || ParseError::new(at, format!("{} has no sub-attribute `{name}`", attribute.name));
    let sub = attribute.sub_attribute(name).ok_or_else(unknown)?;
    sub.check_name(name, name, dialect).map_err(|violation| ParseError::not_tolerated(at, violation))?;
    Ok(sub)
}
