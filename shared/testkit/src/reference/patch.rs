//! PATCH (RFC 7644 §3.5.2): what a request makes of a resource.

use serde_json::{Map, Value, json};

use super::attributes::{Attribute, ENTERPRISE, EXTENSION, Kind, Mutability, Place};
use super::elements::{self, Selected};
use super::members::{self, Directory};
use super::path::{Location, Path, locate};
use super::{Refusal, values};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
}

/// One operation with a path, whose value fits the path. `value` is null for remove.
#[derive(Debug)]
struct Operation {
    op: Op,
    path: Path,
    value: Value,
}

/// The resource after the operations, as a GET returns it, but with the `meta` of `before`.
///
/// # Errors
/// If the service has to refuse the request. Then nothing is changed.
///
/// Choice: "Evaluation continues until […] an error condition is encountered", but the service reads the whole request
/// before it evaluates the first operation, so if several operations are wrong it may report any of them.
pub fn patch(kind: Kind, before: &Value, operations: &[Value], directory: &Directory) -> Result<Value, Refusal> {
    let mut resource = before.as_object().cloned().unwrap_or_default();
    let mut first_error = None;
    let mut other_errors = Vec::new();
    for operation in operations {
        match read(kind, operation) {
            Err(refusal) => other_errors.push(refusal),
            Ok(steps) if first_error.is_none() => {
                let apply = |step| apply_and_keep_reference(&mut resource, step, directory);
                first_error = steps.iter().map(apply).find_map(Result::err);
            }
            Ok(_) => {}
        }
    }
    if let Some(refusal) = first_error.into_iter().chain(other_errors).reduce(Refusal::or) {
        return Err(refusal);
    }
    // Choice: the ids of members are looked up when all operations are applied.
    if members::has_unknown(&resource) {
        return Err(Refusal::new("invalidValue", "a member does not exist, or is the group itself"));
    }
    // Choice: a user is always active or inactive.
    if !before["active"].is_null() && !resource.contains_key("active") {
        return Err(Refusal::new("invalidValue", "active is removed"));
    }
    // `schemas` follows what is changed (§3.5.2).
    let extensions = resource.contains_key(ENTERPRISE).then_some(ENTERPRISE);
    resource.insert("schemas".to_owned(), [kind.schema()].into_iter().chain(extensions).collect());
    Ok(Value::Object(resource))
}

/// Reads an operation, and divides one without a path into one for each attribute.
fn read(kind: Kind, operation: &Value) -> Result<Vec<Operation>, Refusal> {
    let op = match operation["op"].as_str() {
        Some("add") => Op::Add,
        Some("remove") => Op::Remove,
        Some("replace") => Op::Replace,
        _ => return Err(Refusal::new("invalidSyntax", "op is not add, remove or replace")),
    };
    let value = operation.get("value");
    if op == Op::Remove {
        let path = operation["path"].as_str().ok_or_else(|| Refusal::new("noTarget", "remove has no path"))?;
        let path = Path::parse(kind, path)?;
        // Choice: a value of remove is refused, because it may be meant to select what is removed.
        if value.is_some() {
            return Err(Refusal::new("invalidSyntax", "remove has a value"));
        }
        return Ok(vec![checked(Operation { op, path, value: Value::Null })?]);
    }
    let value = value.ok_or_else(|| Refusal::new("invalidSyntax|invalidValue", "the value is missing"))?.clone();
    if let Some(path) = operation["path"].as_str() {
        return Ok(vec![checked(Operation { op, path: Path::parse(kind, path)?, value })?]);
    }
    let unfit = || Refusal::new("invalidSyntax|invalidValue", "the value without a path is no object");
    let named = |(name, value): (&String, &Value)| {
        let path = attribute_named(kind, name)?;
        checked(Operation { op, path, value: value.clone() })
    };
    value.as_object().ok_or_else(unfit)?.iter().map(named).collect()
}

/// The attribute of a name in a value without a path. Choice: the name is no path.
fn attribute_named(kind: Kind, name: &str) -> Result<Path, Refusal> {
    if kind == Kind::User && name.eq_ignore_ascii_case(ENTERPRISE) {
        return Ok(Path::Extension);
    }
    let found = locate(kind, name).filter(|_| !name.contains([':', '.']));
    found
        .map(Path::Attribute)
        .ok_or_else(|| Refusal::new("invalidSyntax|invalidPath", format!("{name} is no attribute")))
}

/// Checks the operation against the attribute's mutability and schema (§3.5.2), and brings its value into canonical
/// form.
fn checked(operation: Operation) -> Result<Operation, Refusal> {
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
fn required(scim_types: &'static str, attribute: &Attribute) -> Refusal {
    Refusal::new(scim_types, format!("{} is required", attribute.name))
}

/// Applies an operation. Choice: a manager whose `value` changes loses `$ref`, the URI of the former one, unless the
/// operation sends one.
fn apply_and_keep_reference(
    resource: &mut Map<String, Value>,
    operation: &Operation,
    directory: &Directory,
) -> Result<(), Refusal> {
    let manager = |resource: &Map<String, Value>| Some(resource.get(ENTERPRISE)?["manager"]["value"].clone());
    let before = manager(resource).unwrap_or_default();
    apply(resource, operation, directory)?;
    let is_changed = !before.is_null() && manager(resource).unwrap_or_default() != before;
    if is_changed && !operation.value.to_string().contains("$ref") {
        let no_reference = Map::from_iter([(ENTERPRISE.to_owned(), json!({ "manager": { "$ref": null } }))]);
        if resource.contains_key(ENTERPRISE) {
            merge(resource, &no_reference);
        }
    }
    Ok(())
}

fn apply(resource: &mut Map<String, Value>, operation: &Operation, directory: &Directory) -> Result<(), Refusal> {
    let Operation { op, path, value } = operation;
    // Choice: null is nothing to add, so that adding it changes nothing.
    let value = if *op == Op::Add { &without_null(value) } else { value };
    if *op == Op::Add && value.is_null() {
        return Ok(());
    }
    match path {
        Path::Extension => {
            merge(resource, &Map::from_iter([(ENTERPRISE.to_owned(), value.clone())]));
        }
        Path::Attribute(Location { attribute, .. }) if attribute.mutability == Mutability::WriteOnly => {}
        Path::Attribute(Location { attribute, part: Some(part), .. }) if attribute.is_multi_valued => {
            let mut all = list(resource, attribute);
            elements::change_only(&mut all, *op, part, value)?;
            merge(resource, &Map::from_iter([(attribute.name.to_owned(), all.into())]));
        }
        Path::Attribute(Location { place, attribute, part }) => {
            let is_list = attribute.is_multi_valued && *op != Op::Remove;
            let value = match part {
                Some(part) => json!({ part.name: value }),
                None if is_list => Value::Array(with_all(resource, attribute, *op, value, directory)?),
                None => value.clone(),
            };
            let change = Map::from_iter([(attribute.name.to_owned(), value)]);
            match place {
                Place::Core => merge(resource, &change),
                Place::Extension => merge(resource, &Map::from_iter([(ENTERPRISE.to_owned(), change.into())])),
            }
        }
        Path::Values { attribute, filter, part } => {
            let mut all = list(resource, attribute);
            match (op, part) {
                (Op::Remove, part) => elements::remove(attribute, &mut all, filter, *part),
                (_, Some(part)) => elements::change(attribute, &mut all, filter, *op, &Selected::Part(part, value))?,
                // Choice: a member is not replaced by another one, either, because its `value` is immutable.
                (_, None) if attribute.name == "members" => {
                    return Err(Refusal::new("mutability", "a member cannot be changed"));
                }
                (_, None) => {
                    let parts = value.as_object().cloned().unwrap_or_default();
                    elements::change(attribute, &mut all, filter, *op, &Selected::Whole(&parts))?;
                }
            }
            merge(resource, &Map::from_iter([(attribute.name.to_owned(), all.into())]));
        }
    }
    Ok(())
}

/// All values of a multi-valued attribute after an operation without a filter.
fn with_all(
    resource: &Map<String, Value>,
    attribute: &Attribute,
    op: Op,
    value: &Value,
    directory: &Directory,
) -> Result<Vec<Value>, Refusal> {
    let given = value.as_array().cloned().unwrap_or_default();
    let has_id = |member: &Value| member["value"].as_str().is_some_and(|id| !id.is_empty());
    // Choice: "service providers MAY require clients to provide a non-empty value" (RFC 7643 §4.2).
    if attribute.name == "members" && !given.iter().all(has_id) {
        return Err(values::invalid(attribute));
    }
    let mut all = list(resource, attribute);
    match (op, attribute.name) {
        (Op::Add, "members") => members::add(&mut all, directory.members(&given)),
        (_, "members") => members::replace(&mut all, directory.members(&given)),
        (Op::Add, _) => elements::add(attribute, &mut all, given),
        _ => all = given,
    }
    Ok(all)
}

fn list(resource: &Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    resource.get(attribute.name).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The value without the sub-attributes that are null, at any depth.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(parts) => {
            let assigned = parts.iter().filter(|(_, value)| !value.is_null());
            Value::Object(assigned.map(|(name, value)| (name.clone(), without_null(value))).collect())
        }
        value => value.clone(),
    }
}

/// Assigns attributes. "Sub-attributes that are not specified in the 'value' parameter are left unchanged" (§3.5.2.3).
/// What is null or empty becomes unassigned (RFC 7643 §2.5).
pub(super) fn merge(into: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        let merged = match (into.get(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let mut merged = old.clone();
                merge(&mut merged, new);
                Value::Object(merged)
            }
            (_, Value::Object(new)) => {
                let mut merged = Map::new();
                merge(&mut merged, new);
                Value::Object(merged)
            }
            (_, Value::Array(values)) => values.iter().filter(|value| !is_unassigned(value)).cloned().collect(),
            (_, value) => value.clone(),
        };
        if is_unassigned(&merged) {
            into.shift_remove(name);
        } else {
            into.insert(name.clone(), merged);
        }
    }
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}
