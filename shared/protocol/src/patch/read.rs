//! Reading the body of a PATCH (RFC 7644 §3.5.2) into steps.
//!
//! Without a `path` each attribute in `value` is a step of its own; its name may be a path, too (Okta and Entra:
//! `name.givenName`, `urn:…:User:department`). There, what is read-only or unknown is passed over: Okta sends `id` with every
//! rename of a group. An explicit `path` to it is refused.

use std::collections::BTreeSet;

use schema::{Mutability, Object, ResourceType, Returned, Schema};
use serde_json::Value;

use super::{Op, Patch, Step};
use crate::Error;
use crate::filter::{Place, place};
use crate::path::{AttributePath, Target};

/// The most operations in one request.
const MAX_OPERATIONS: usize = 1000;

impl Patch {
    /// Reads the body of a request. No operations at all is taken, as a change of nothing.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body of another shape, [`Error::PayloadTooLarge`] for more than 1,000 operations,
    /// [`Error::InvalidPath`], [`Error::NoTarget`] for a removal without a path, [`Error::InvalidValue`] for a value that is
    /// missing, [`Error::Mutability`] for a read-only target.
    pub fn parse(definition: &'static ResourceType, body: &Object) -> Result<Patch, Error> {
        let operations = match member("The request", body, "Operations")? {
            Some(Value::Array(operations)) => operations,
            _ => return Err(Error::InvalidSyntax("A PATCH has an array named Operations.".to_owned())),
        };
        if operations.len() > MAX_OPERATIONS {
            let count = operations.len();
            let detail =
                format!("The request has {count} operations; at most {MAX_OPERATIONS} are taken in one PATCH.");
            return Err(Error::PayloadTooLarge(detail));
        }
        let mut steps = Vec::new();
        for (at, operation) in operations.iter().enumerate() {
            let name = format!("Operations[{at}]");
            let Value::Object(operation) = operation else {
                return Err(Error::InvalidSyntax(format!("{name} is not an object.")));
            };
            read_operation(definition, &name, operation, &mut steps)?;
        }
        Ok(Patch { definition, steps })
    }
}

/// A member of the message, in any case (Entra: `Op`, `Path`), and once.
pub(crate) fn member<'o>(holder: &str, object: &'o Object, name: &str) -> Result<Option<&'o Value>, Error> {
    let mut found = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(Error::InvalidSyntax(format!("{holder} has {name} more than once, in different spellings."))),
    }
}

fn read_operation(
    definition: &'static ResourceType,
    name: &str,
    operation: &Object,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let op = read_op(name, member(name, operation, "op")?)?;
    let path = match member(name, operation, "path")? {
        None | Some(Value::Null) => "",
        Some(Value::String(path)) => path.trim(),
        Some(_) => return Err(Error::InvalidSyntax(format!("The path of {name} is not a string."))),
    };
    let value = member(name, operation, "value")?;
    if path.is_empty() {
        return match (op, value) {
            (Op::Remove, _) => {
                Err(Error::NoTarget(format!("{name} removes, but has no path; name the attribute to remove in path.")))
            }
            (_, Some(Value::Object(value))) => read_attributes(definition, op, value, steps),
            _ => {
                Err(Error::InvalidValue(format!("{name} has no path, so its value has to be an object of attributes.")))
            }
        };
    }
    if op != Op::Remove && value.is_none() {
        return Err(Error::InvalidValue(format!("{name} has no value to {} at `{path}`.", word(op))));
    }
    push(definition, op, place(definition, path)?, value.cloned(), Strictness::Explicit, steps)
}

fn read_op(name: &str, op: Option<&Value>) -> Result<Op, Error> {
    let known = op.and_then(Value::as_str).and_then(|op| match op.to_ascii_lowercase().as_str() {
        "add" => Some(Op::Add),
        "remove" => Some(Op::Remove),
        "replace" => Some(Op::Replace),
        _ => None,
    });
    known.ok_or_else(|| Error::InvalidSyntax(format!("The op of {name} is none of add, remove and replace.")))
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    }
}

/// Whether a target that cannot be written is refused or passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Explicit,
    Listed,
}

fn read_attributes(
    definition: &'static ResourceType,
    op: Op,
    value: &Object,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let spellings: BTreeSet<String> = value.keys().map(|name| name.to_ascii_lowercase()).collect();
    if spellings.len() < value.len() {
        let problem = "A value has an attribute more than once, in different spellings; send it once.";
        return Err(Error::InvalidSyntax(problem.to_owned()));
    }
    for (name, value) in value {
        let found = match Target::resolve(definition, name) {
            Some(target) => Place::Whole(target),
            None if name.contains('[') => place(definition, name)?,
            None => continue,
        };
        push(definition, op, found, Some(value.clone()), Strictness::Listed, steps)?;
    }
    Ok(())
}

fn push(
    definition: &'static ResourceType,
    op: Op,
    place: Place,
    value: Option<Value>,
    strictness: Strictness,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let (path, filter, sub) = match place {
        Place::Whole(Target::Extension(schema)) => return push_extension(definition, op, schema, value, steps),
        Place::Whole(Target::Core) => return push_core(definition, op, value, steps),
        Place::Whole(Target::Attribute(path)) => (AttributePath { sub: None, ..path }, None, path.sub),
        Place::Elements { path, filter, sub } => (path, Some(filter), sub),
    };
    let step = Step { op, path, filter, sub, value };
    let leaf = sub.unwrap_or(path.attribute);
    if path.attribute.mutability == Mutability::ReadOnly || leaf.mutability == Mutability::ReadOnly {
        return match strictness {
            Strictness::Listed => Ok(()),
            Strictness::Explicit => {
                Err(Error::Mutability(format!("{} is read-only; the service sets it.", step.place())))
            }
        };
    }
    // `password` is taken and dropped.
    if leaf.returned != Returned::Never {
        steps.push(step);
    }
    Ok(())
}

/// The core schema by its URI: its attributes are the resource's own.
fn push_core(
    definition: &'static ResourceType,
    op: Op,
    value: Option<Value>,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let urn = &definition.schema.id;
    match (op, value) {
        (Op::Remove, _) => Err(Error::Mutability(format!("{urn} is the resource itself; delete it instead."))),
        (_, Some(Value::Object(content))) => read_attributes(definition, op, &content, steps),
        _ => Err(Error::InvalidValue(format!("{urn}: expected an object of its attributes."))),
    }
}

/// A whole extension by its URI: each of its attributes is a step.
fn push_extension(
    definition: &'static ResourceType,
    op: Op,
    schema: &'static Schema,
    value: Option<Value>,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    match (op, value) {
        (Op::Remove, _) | (Op::Replace, Some(Value::Null)) => {
            let attributes = schema.attributes.iter();
            let paths = attributes.map(|attribute| AttributePath { extension: Some(schema), attribute, sub: None });
            steps.extend(paths.map(|path| Step { op: Op::Remove, path, filter: None, sub: None, value: None }));
            Ok(())
        }
        (_, Some(Value::Object(content))) => {
            let named = content.into_iter().map(|(name, value)| (format!("{}:{name}", schema.id), value));
            read_attributes(definition, op, &named.collect(), steps)
        }
        _ => Err(Error::InvalidValue(format!("{}: expected an object of its attributes.", schema.id))),
    }
}
