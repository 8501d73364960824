//! Reading the body of a PATCH (RFC 7644 §3.5.2) into steps.
//!
//! Without a `path` each attribute in `value` is a step of its own; its name may be a path, too. There, what is read-only or
//! unknown is passed over by a lenient dialect; an explicit `path` to it is refused by both.

use std::collections::BTreeSet;

use schema::{Dialect, Leniency, Mutability, Object, ResourceType, Schema};
use serde_json::Value;

use super::{Op, Patch, Step};
use crate::Error;
use crate::filter::{Place, place};
use crate::message::{check_message, members};
use crate::path::{AttributePath, Target};

/// The URI of the message.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations in one request.
const MAX_OPERATIONS: usize = 1000;

impl Patch {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body of another shape, [`Error::PayloadTooLarge`] for more than 1,000 operations,
    /// [`Error::InvalidPath`], [`Error::NoTarget`] for a removal without a path, [`Error::InvalidValue`] for a value that is
    /// missing, [`Error::Mutability`] for a read-only target, and what the dialect does not tolerate.
    pub fn parse(definition: &'static ResourceType, body: &Object, dialect: &Dialect) -> Result<Patch, Error> {
        check_message(body, PATCH_OP, dialect)?;
        let [_, operations] = members("The request", body, ["schemas", "Operations"], dialect)?;
        let Some(Value::Array(operations)) = operations else {
            return Err(Error::InvalidSyntax("A PATCH has an array named Operations.".to_owned()));
        };
        if operations.len() > MAX_OPERATIONS {
            let count = operations.len();
            let detail =
                format!("The request has {count} operations; at most {MAX_OPERATIONS} are taken in one PATCH.");
            return Err(Error::PayloadTooLarge(detail));
        }
        if operations.is_empty() {
            dialect.tolerate(Leniency::NoOperations, "Operations")?;
        }
        let mut reader = Reader { definition, dialect, steps: Vec::new() };
        for (at, operation) in operations.iter().enumerate() {
            let name = format!("Operations[{at}]");
            let Value::Object(operation) = operation else {
                return Err(Error::InvalidSyntax(format!("{name} is not an object.")));
            };
            reader.operation(&name, operation)?;
        }
        Ok(Patch::new(definition, reader.steps, dialect))
    }
}

fn read_op(name: &str, op: Option<&Value>, dialect: &Dialect) -> Result<Op, Error> {
    let written = op.and_then(Value::as_str).unwrap_or_default();
    let op = match written.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "remove" => Op::Remove,
        "replace" => Op::Replace,
        _ => return Err(Error::InvalidSyntax(format!("The op of {name} is none of add, remove and replace."))),
    };
    if written != word(op) {
        dialect.tolerate(Leniency::OperationCase, format_args!("{name}.op"))?;
    }
    Ok(op)
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    }
}

/// How an attribute came to be a target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mention {
    /// By the `path` of an operation.
    Path,
    /// As a name in a value.
    Name,
}

struct Reader<'d> {
    definition: &'static ResourceType,
    dialect: &'d Dialect,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn operation(&mut self, name: &str, operation: &Object) -> Result<(), Error> {
        let [op, path, value] = members(name, operation, ["op", "path", "value"], self.dialect)?;
        let op = read_op(name, op, self.dialect)?;
        let path = match path {
            None | Some(Value::Null) => "",
            Some(Value::String(path)) => path.trim(),
            Some(_) => return Err(Error::InvalidSyntax(format!("The path of {name} is not a string."))),
        };
        if path.is_empty() {
            return self.without_path(name, op, value);
        }
        match (op, value) {
            (Op::Remove, None | Some(Value::Null)) => {}
            (Op::Remove, Some(_)) => self.dialect.tolerate(Leniency::ValuesOnRemove, name)?,
            (_, None) => {
                return Err(Error::InvalidValue(format!("{name} has no value to {} at `{path}`.", word(op))));
            }
            _ => {}
        }
        self.push(op, place(self.definition, path, self.dialect)?, value.cloned(), Mention::Path)
    }

    fn without_path(&mut self, name: &str, op: Op, value: Option<&Value>) -> Result<(), Error> {
        if op == Op::Remove {
            let detail = format!("{name} removes, but has no path; name the attribute to remove in path.");
            return Err(Error::NoTarget(detail));
        }
        let Some(Value::Object(value)) = value else {
            let detail = format!("{name} has no path, so its value has to be an object of attributes.");
            return Err(Error::InvalidValue(detail));
        };
        self.dialect.tolerate(Leniency::PatchWithoutPath, name)?;
        self.attributes(op, None, value)
    }

    /// Each attribute of a value: of the resource, or of an extension.
    fn attributes(&mut self, op: Op, extension: Option<&'static Schema>, value: &Object) -> Result<(), Error> {
        let spellings: BTreeSet<String> = value.keys().map(|name| name.to_ascii_lowercase()).collect();
        if spellings.len() < value.len() {
            let problem = "A value has an attribute more than once, in different spellings; send it once.";
            return Err(Error::InvalidSyntax(problem.to_owned()));
        }
        for (name, value) in value {
            let written = extension.map_or_else(|| name.clone(), |schema| format!("{}:{name}", schema.id));
            if let Some(found) = self.named(name, &written)? {
                self.push(op, found, Some(value.clone()), Mention::Name)?;
            }
        }
        Ok(())
    }

    /// What a name in a value means; `None` if it is unknown.
    fn named(&self, name: &str, written: &str) -> Result<Option<Place>, Error> {
        let is_path = |path: &AttributePath| path.sub.is_some() || name.contains(':');
        match Target::resolve(self.definition, written) {
            Some(Target::Attribute(path)) => {
                path.check_spelling(written, self.dialect)?;
                if is_path(&path) {
                    self.dialect.tolerate(Leniency::PathsAsNames, name)?;
                }
                Ok(Some(Place::Whole(Target::Attribute(path))))
            }
            Some(schema) => Ok(Some(Place::Whole(schema))),
            None if name.contains('[') => {
                self.dialect.tolerate(Leniency::PathsAsNames, name)?;
                place(self.definition, written, self.dialect).map(Some)
            }
            None => {
                self.dialect.tolerate(Leniency::UnknownAttributes, written)?;
                Ok(None)
            }
        }
    }

    fn push(&mut self, op: Op, place: Place, value: Option<Value>, mention: Mention) -> Result<(), Error> {
        let (path, filter, sub) = match place {
            Place::Whole(Target::Extension(schema)) => return self.push_extension(op, schema, value),
            Place::Whole(Target::Core) => return self.push_core(op, value),
            Place::Whole(Target::Attribute(path)) => (AttributePath { sub: None, ..path }, None, path.sub),
            Place::Elements { path, filter, sub } => (path, Some(filter), sub),
        };
        let step = Step { op, path, filter, sub, value };
        let leaf = sub.unwrap_or(path.attribute);
        if path.attribute.mutability == Mutability::ReadOnly || leaf.mutability == Mutability::ReadOnly {
            return match mention {
                Mention::Name => Ok(self.dialect.tolerate(Leniency::ReadOnlyValues, step.place())?),
                Mention::Path => Err(Error::Mutability(format!("{} is read-only; the service sets it.", step.place()))),
            };
        }
        if op != Op::Remove
            && let Some(name) = step.read_only_part()
        {
            self.dialect.tolerate(Leniency::ReadOnlyValues, format_args!("{}.{name}", step.place()))?;
        }
        // `password` is taken and dropped.
        if !leaf.is_discarded() {
            self.steps.push(step);
        }
        Ok(())
    }

    /// The core schema by its URI: its attributes are the resource's own.
    fn push_core(&mut self, op: Op, value: Option<Value>) -> Result<(), Error> {
        let urn = &self.definition.schema.id;
        self.dialect.tolerate(Leniency::CoreSchemaObject, urn)?;
        match (op, value) {
            (Op::Remove, _) => Err(Error::Mutability(format!("{urn} is the resource itself; delete it instead."))),
            (_, Some(Value::Object(content))) => self.attributes(op, None, &content),
            _ => Err(Error::InvalidValue(format!("{urn}: expected an object of its attributes."))),
        }
    }

    /// A whole extension by its URI: each of its attributes is a step.
    fn push_extension(&mut self, op: Op, schema: &'static Schema, value: Option<Value>) -> Result<(), Error> {
        match (op, value) {
            (Op::Remove, None | Some(Value::Null)) | (Op::Replace, Some(Value::Null)) => {
                let attributes = schema.attributes.iter();
                let paths = attributes.map(|attribute| AttributePath {
                    extension: Some(schema),
                    attribute,
                    sub: None,
                    is_of_other_type: false,
                });
                let removing = |path| Step { op: Op::Remove, path, filter: None, sub: None, value: None };
                self.steps.extend(paths.map(removing));
                Ok(())
            }
            (_, Some(Value::Object(content))) => self.attributes(op, Some(schema), &content),
            _ => Err(Error::InvalidValue(format!("{}: expected an object of its attributes.", schema.id))),
        }
    }
}

impl Step {
    /// A read-only sub-attribute that the value sets.
    fn read_only_part(&self) -> Option<&str> {
        let elements = match self.value() {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        let names = elements.iter().filter_map(Value::as_object).flat_map(Object::keys);
        let mut subs = names.filter_map(|name| self.path.attribute.sub_attribute(name));
        subs.find(|sub| self.sub.is_none() && sub.mutability == Mutability::ReadOnly).map(|sub| sub.name.as_str())
    }
}
