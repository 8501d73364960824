//! Reading the body of a PATCH (RFC 7644 §3.5.2) into steps.
//!
//! Without a `path` each attribute in `value` is a step of its own; its name may be a path, too (Okta and Entra:
//! `name.givenName`, `urn:…:User:department`). There, what is read-only or unknown is passed over: Okta sends `id` with every
//! rename of a group. An explicit `path` to it is refused.

use schema::{Mutability, Object, ResourceType, Returned};
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
        let operations = match member(body, "Operations") {
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

/// A member of the message, in any case (Entra: `Op`, `Path`).
fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn read_operation(
    definition: &'static ResourceType,
    name: &str,
    operation: &Object,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let op = read_op(name, member(operation, "op"))?;
    let path = match member(operation, "path") {
        None | Some(Value::Null) => "",
        Some(Value::String(path)) => path.trim(),
        Some(_) => return Err(Error::InvalidSyntax(format!("The path of {name} is not a string."))),
    };
    let value = member(operation, "value");
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
    let value = value.cloned().unwrap_or(Value::Null);
    push(definition, op, place(definition, path)?, value, Strictness::Explicit, steps)
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
    for (name, value) in value {
        let found = match Target::resolve(definition, name) {
            Some(target) => Place::Whole(target),
            None if name.contains('[') => place(definition, name)?,
            None => continue,
        };
        push(definition, op, found, value.clone(), Strictness::Listed, steps)?;
    }
    Ok(())
}

fn push(
    definition: &'static ResourceType,
    op: Op,
    place: Place,
    value: Value,
    strictness: Strictness,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let (path, filter, sub) = match place {
        Place::Whole(Target::Attribute(path)) => (AttributePath { sub: None, ..path }, None, path.sub),
        Place::Elements { path, filter, sub } => (path, Some(filter), sub),
        Place::Whole(Target::Extension(schema)) => {
            let attributes = schema.attributes.iter();
            return match (op, value) {
                (Op::Remove, _) | (Op::Replace, Value::Null) => {
                    let paths =
                        attributes.map(|attribute| AttributePath { extension: Some(schema), attribute, sub: None });
                    steps.extend(paths.map(|path| Step {
                        op: Op::Remove,
                        path,
                        filter: None,
                        sub: None,
                        value: Value::Null,
                    }));
                    Ok(())
                }
                (_, Value::Object(content)) => {
                    let named = content.into_iter().map(|(name, value)| (format!("{}:{name}", schema.id), value));
                    read_attributes(definition, op, &named.collect(), steps)
                }
                _ => Err(Error::InvalidValue(format!("{}: expected an object of its attributes.", schema.id))),
            };
        }
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
