//! Operations on whole schemas and whole attributes (RFC 7644 §3.5.2).

use schema::{Leniency, Restriction, Schema};
use serde_json::Value;

use super::PatchParser;
use crate::Error;
use crate::filter::PatchPath;
use crate::patch::operation::{AttributeOperation, Op};
use crate::path::{AttributePath, Target};

impl PatchParser<'_> {
    /// The value for a path. Apache Syncope repeats the name of the attribute in it: `{"members": […]}`.
    pub(super) fn without_repeated_name<'v>(
        &self,
        op: Op,
        path: &PatchPath,
        value: &'v Value,
    ) -> Result<&'v Value, Error> {
        let (repeated, is_sub_attribute) = match path {
            PatchPath::Target(Target::Attribute(AttributePath { attribute, sub: None, .. })) => {
                (attribute.name.as_str(), attribute.sub_attribute(&attribute.name).is_some())
            }
            PatchPath::Target(Target::Extension(schema)) => (schema.id.as_str(), false),
            _ => return Ok(value),
        };
        let mut members = value.as_object().into_iter().flatten();
        match (members.next(), members.next()) {
            (Some((name, nested)), None) if name.eq_ignore_ascii_case(repeated) && !is_sub_attribute => {
                self.dialect.tolerate(Leniency::NestedNames, repeated)?;
                if op == Op::Remove && nested.is_null() {
                    let problem =
                        format!("{repeated}: the value does not identify what to remove. Send it, or no value.");
                    return Err(Error::InvalidValue(problem));
                }
                Ok(nested)
            }
            _ => Ok(value),
        }
    }

    /// Applies the rules of the interoperability profile for multi-valued attributes.
    pub(super) fn restrict(&self, operation: &AttributeOperation) -> Result<(), Error> {
        if operation.op == Op::Remove || !operation.path.attribute.multi_valued || operation.sub.is_some() {
            return Ok(());
        }
        if operation.filter.is_some() {
            return Ok(self.dialect.restrict(Restriction::ElementPath, &operation.text)?);
        }
        match operation.value() {
            Value::Array(_) => Ok(()),
            _ => Ok(self.dialect.restrict(Restriction::ListInPatch, &operation.text)?),
        }
    }

    /// Adds operations for a value of the core schema's URI, whose attributes are those of the resource.
    pub(super) fn push_core(&mut self, op: Op, value: Option<Value>) -> Result<(), Error> {
        let urn = &self.definition.schema.id;
        self.dialect.tolerate(Leniency::CoreSchemaObject, urn)?;
        match (op, value) {
            (Op::Remove, _) => Err(Error::Mutability(format!(
                "{urn} is the resource itself. Name the attribute to remove, or delete the resource with DELETE."
            ))),
            (_, Some(Value::Object(content))) => self.attributes(op, None, &content),
            _ => Err(Error::InvalidValue(format!("{urn}: the value must be an object of its attributes."))),
        }
    }

    /// Adds operations for a value of an extension's URI, one for each of its attributes.
    pub(super) fn push_extension(
        &mut self,
        op: Op,
        schema: &'static Schema,
        value: Option<Value>,
    ) -> Result<(), Error> {
        match (op, value) {
            (Op::Remove, None | Some(Value::Null)) | (Op::Replace, Some(Value::Null)) => {
                let attributes = schema.attributes.iter();
                let paths = attributes.map(|attribute| AttributePath {
                    extension: Some(schema),
                    attribute,
                    sub: None,
                    is_of_other_type: false,
                });
                let remove = |path| AttributeOperation::new(Op::Remove, path, None, None, None);
                self.operations.extend(paths.map(remove));
                self.understood = true;
                Ok(())
            }
            (Op::Remove, Some(Value::Object(content))) if content.is_empty() => Err(Error::InvalidValue(format!(
                "{}: the value names nothing to remove. Send the attributes to remove, or no value to remove all.",
                schema.id
            ))),
            (_, Some(Value::Object(content))) => self.attributes(op, Some(schema), &content),
            _ => Err(Error::InvalidValue(format!("{}: the value must be an object of its attributes.", schema.id))),
        }
    }
}
