//! The names in a value of a PATCH operation (RFC 7644 §3.5.2.1): which attributes they mean, and whether two of them
//! mean the same one.

use std::collections::BTreeSet;

use schema::{Attribute, Leniency, Mutability, Object, Schema};
use serde_json::Value;

use super::{Mention, PatchParser};
use crate::Error;
use crate::filter::{PatchPath, parse_path};
use crate::patch::operation::Op;
use crate::path::{AttributePath, Target, strip_urn};

/// Read-only attributes that each response has, so that clients send them back without meaning a change.
const IN_EACH_RESPONSE: [&str; 3] = ["id", "schemas", "meta"];

/// An attribute that a value names, and the value for it.
pub(super) struct NamedAttribute {
    path: AttributePath,
    /// The filter of a name such as `emails[type eq "work"].value`, as text.
    filter: Option<String>,
    value: Value,
}

impl NamedAttribute {
    /// Whether both set the same attribute to different values.
    fn contradicts(&self, other: &Self) -> bool {
        let has_two_filters = self.filter.is_some() && other.filter.is_some() && self.filter != other.filter;
        std::ptr::eq(self.path.attribute, other.path.attribute)
            && !has_two_filters
            && match (self.path.sub, other.path.sub) {
                // The whole attribute, and some of its elements.
                _ if self.filter != other.filter => true,
                (Some(one), Some(two)) => std::ptr::eq(one, two) && self.value != other.value,
                (Some(sub), None) => other.sets_otherwise(sub, &self.value),
                (None, Some(sub)) => self.sets_otherwise(sub, &other.value),
                (None, None) => self.value != other.value,
            }
    }

    /// Whether it sets a sub-attribute to another value than this one. A value that is no object sets all of them.
    fn sets_otherwise(&self, sub: &Attribute, value: &Value) -> bool {
        let Value::Object(object) = &self.value else { return true };
        object.iter().any(|(name, other)| name.eq_ignore_ascii_case(&sub.name) && other != value)
    }
}

impl PatchParser<'_> {
    /// Adds an operation for each attribute of a value: those of the resource, or of an extension.
    pub(super) fn attributes(
        &mut self,
        op: Op,
        extension: Option<&'static Schema>,
        value: &Object,
    ) -> Result<(), Error> {
        if has_repeated_name(value) {
            return Err(repeated_name());
        }
        for (name, value) in value {
            let written = self.written_name(extension, name);
            match self.resolve_name(name, &written)? {
                Some(found) => {
                    self.note_name(&found, value)?;
                    self.push(op, found, Some(value.clone()), Mention::Name)?;
                }
                None => self.unknown = self.unknown.take().or(Some(written)),
            }
        }
        Ok(())
    }

    /// The path that a name in the object of an extension, or of the resource, means. A name with the URI of a schema is
    /// a path already.
    fn written_name(&self, extension: Option<&'static Schema>, name: &str) -> String {
        let mut schemas = self.definition.extensions.iter().map(|it| it.schema).chain([self.definition.schema]);
        let is_whole = |schema: &Schema| name.eq_ignore_ascii_case(&schema.id) || strip_urn(name, &schema.id).is_some();
        match extension {
            Some(schema) if !schemas.any(is_whole) => format!("{}:{name}", schema.id),
            _ => name.to_owned(),
        }
    }

    /// The attribute that a name in a value refers to; `None` if it is unknown.
    fn resolve_name(&self, name: &str, written: &str) -> Result<Option<PatchPath>, Error> {
        let is_path = |path: &AttributePath| path.sub.is_some() || name.contains(':');
        match Target::resolve(self.definition, written) {
            Some(Target::Attribute(path)) => {
                path.check_spelling(written, self.dialect)?;
                if is_path(&path) {
                    self.dialect.tolerate(Leniency::PathsAsNames, name)?;
                }
                Ok(Some(PatchPath::Target(Target::Attribute(path))))
            }
            Some(schema) => Ok(Some(PatchPath::Target(schema))),
            None if name.contains('[') => {
                self.dialect.tolerate(Leniency::PathsAsNames, name)?;
                parse_path(self.definition, written, self.dialect).map(Some)
            }
            None => {
                self.dialect.tolerate(Leniency::UnknownAttributes, written)?;
                Ok(None)
            }
        }
    }

    /// Notes that the value of the operation names an attribute.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] if it names the same attribute by another name, with another value: the members of a
    /// JSON object have no order, so that neither value is the last one.
    fn note_name(&mut self, found: &PatchPath, value: &Value) -> Result<(), Error> {
        let (path, filter) = match found {
            PatchPath::Target(Target::Attribute(path)) => (*path, None),
            PatchPath::Elements { path, filter, sub } => {
                (AttributePath { sub: *sub, ..*path }, Some(filter.to_string()))
            }
            PatchPath::Target(_) => return Ok(()),
        };
        if path.leaf().mutability != Mutability::ReadOnly {
            let named = NamedAttribute { path, filter, value: value.clone() };
            if self.named.iter().any(|other| other.contradicts(&named)) {
                return Err(repeated_name());
            }
            self.named.push(named);
        }
        Ok(())
    }

    /// Notes that a read-only attribute is ignored.
    pub(super) fn note_read_only(&mut self, attribute: &Attribute, text: String) {
        if !IN_EACH_RESPONSE.contains(&attribute.name.as_str()) {
            self.read_only.get_or_insert(text);
        }
    }
}

/// Whether an object has two members whose names differ only in case.
fn has_repeated_name(object: &Object) -> bool {
    let spellings = || object.keys().map(|name| name.to_ascii_lowercase()).collect::<BTreeSet<String>>();
    object.len() > 1 && spellings().len() < object.len()
}

fn repeated_name() -> Error {
    let problem = "A value has an attribute more than once, in different spellings. Send it once.";
    Error::InvalidSyntax(problem.to_owned())
}
