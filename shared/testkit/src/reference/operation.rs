//! Reads the operations of a PATCH (RFC 7644 §3.5.2), and checks them against the schema.

use serde_json::Value;

use super::attributes::{Attribute, ENTERPRISE, EXTENSION, Kind};
use super::expected_error::ExpectedError;
use super::location::locate;
use super::path::Path;
use super::values;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
}

/// One operation with a path, whose value fits the path. `value` is null for remove.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) op: Op,
    pub(super) path: Path,
    pub(super) value: Value,
}

/// Reads an operation, and divides one without a path into one for each attribute.
pub(super) fn read(kind: Kind, operation: &Value) -> Result<Vec<Operation>, ExpectedError> {
    let op = match operation["op"].as_str() {
        Some("add") => Op::Add,
        Some("remove") => Op::Remove,
        Some("replace") => Op::Replace,
        _ => return Err(ExpectedError::new("invalidSyntax", "op is not add, remove or replace")),
    };
    let value = operation.get("value");
    if op == Op::Remove {
        let path = operation["path"].as_str().ok_or_else(|| ExpectedError::new("noTarget", "remove has no path"))?;
        let path = Path::parse(kind, path)?;
        // Choice: a value of remove is refused, because the client may intend it to select the values to remove.
        if value.is_some() {
            return Err(ExpectedError::new("invalidSyntax", "remove has a value"));
        }
        return Ok(vec![checked(Operation { op, path, value: Value::Null })?]);
    }
    let value = value.ok_or_else(|| ExpectedError::new("invalidSyntax|invalidValue", "the value is missing"))?.clone();
    if let Some(path) = operation["path"].as_str() {
        return Ok(vec![checked(Operation { op, path: Path::parse(kind, path)?, value })?]);
    }
    let unfit = || ExpectedError::new("invalidSyntax|invalidValue", "the value without a path is no object");
    let named = |(name, value): (&String, &Value)| {
        let path = attribute_named(kind, name)?;
        checked(Operation { op, path, value: value.clone() })
    };
    value.as_object().ok_or_else(unfit)?.iter().map(named).collect()
}

/// The attribute of a name in a value without a path. Choice: the name is no path.
fn attribute_named(kind: Kind, name: &str) -> Result<Path, ExpectedError> {
    if kind == Kind::User && name.eq_ignore_ascii_case(ENTERPRISE) {
        return Ok(Path::Extension);
    }
    let found = locate(kind, name).filter(|_| !name.contains([':', '.']));
    found
        .map(Path::Attribute)
        .ok_or_else(|| ExpectedError::new("invalidSyntax|invalidPath", format!("{name} is no attribute")))
}

/// Checks the operation against the attribute's mutability and schema (§3.5.2), and brings its value into canonical
/// form.
fn checked(operation: Operation) -> Result<Operation, ExpectedError> {
    let Operation { op, path, value } = operation;
    let (attribute, part) = match &path {
        Path::Extension => (&EXTENSION, None),
        Path::Attribute(location) => (location.attribute, location.part),
        Path::Values { attribute, part, .. } => (*attribute, *part),
    };
    values::check_mutability(attribute)?;
    part.map_or(Ok(()), values::check_mutability)?;
    if op == Op::Remove {
        let is_removed = attribute.is_required;
        return if is_removed { Err(required("mutability", attribute)) } else { Ok(Operation { op, path, value }) };
    }
    let selects_values = matches!(path, Path::Values { .. });
    let value = match part {
        Some(part) => values::simple(part, &value)?,
        None if !attribute.is_complex() => values::simple(attribute, &value)?,
        None if selects_values => Value::Object(values::object(attribute, &value)?),
        // "The value MAY be […] a JSON object containing the sub-attributes of the complex attribute" (§3.5.2.1).
        None if attribute.is_multi_valued && op == Op::Add && value.is_object() => {
            Value::Array(vec![values::element(attribute, &value)?])
        }
        None if attribute.is_multi_valued => Value::Array(values::elements(attribute, &value)?),
        None if value.is_null() => Value::Null,
        None => Value::Object(values::object(attribute, &value)?),
    };
    if attribute.is_required && (value.is_null() || value == "") {
        return Err(required("mutability|invalidValue", attribute));
    }
    Ok(Operation { op, path, value })
}

/// "If an attribute is removed or becomes unassigned and is defined as a required attribute" (§3.5.2.2).
fn required(scim_types: &'static str, attribute: &Attribute) -> ExpectedError {
    ExpectedError::new(scim_types, format!("{} is required", attribute.name))
}
