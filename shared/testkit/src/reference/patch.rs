//! PATCH (RFC 7644 §3.5.2): the resource after a request.

use serde_json::{Map, Value, json};

use super::attributes::{Attribute, ENTERPRISE, Kind, Mutability, Place};
use super::elements::{self, ElementChange};
use super::expected_error::ExpectedError;
use super::location::Location;
use super::members::{self, MemberDirectory};
use super::merge::merge;
use super::operation::{Op, Operation, read};
use super::path::Path;
use super::syntax::Expression;
use super::values;

/// The resource after the operations, as a GET returns it, but with the `meta` of `before`.
///
/// # Errors
/// If the service has to refuse the request. Then nothing is changed.
///
/// Choice: "Evaluation continues until […] an error condition is encountered", but the service reads the whole request
/// before it evaluates the first operation, so if several operations are wrong it may report any of them.
pub fn patch(
    kind: Kind,
    before: &Value,
    operations: &[Value],
    directory: &MemberDirectory,
) -> Result<Value, ExpectedError> {
    let mut resource = before.as_object().cloned().unwrap_or_default();
    let mut first_error = None;
    let mut other_errors = Vec::new();
    for operation in operations {
        match read(kind, operation) {
            Err(error) => other_errors.push(error),
            Ok(steps) => {
                other_errors.extend(steps.iter().find_map(member_without_id));
                if first_error.is_none() {
                    let apply = |step| apply_and_keep_reference(&mut resource, step, directory);
                    first_error = steps.iter().map(apply).find_map(Result::err);
                }
            }
        }
    }
    if let Some(error) = first_error.into_iter().chain(other_errors).reduce(ExpectedError::or) {
        return Err(error);
    }
    // Choice: the ids of members are looked up when all operations are applied.
    if members::has_unknown(&resource) {
        return Err(ExpectedError::new("invalidValue", "a member does not exist, or is the group itself"));
    }
    // Choice: a user is always active or inactive.
    if !before["active"].is_null() && !resource.contains_key("active") {
        return Err(ExpectedError::new("invalidValue", "active is removed"));
    }
    // `schemas` follows the changes (§3.5.2).
    let extensions = resource.contains_key(ENTERPRISE).then_some(ENTERPRISE);
    resource.insert("schemas".to_owned(), [kind.schema()].into_iter().chain(extensions).collect());
    Ok(Value::Object(resource))
}

/// Applies an operation. Choice: a manager whose `value` changes loses `$ref`, the URI of the former one, unless the
/// operation sends one.
fn apply_and_keep_reference(
    resource: &mut Map<String, Value>,
    operation: &Operation,
    directory: &MemberDirectory,
) -> Result<(), ExpectedError> {
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

fn apply(
    resource: &mut Map<String, Value>,
    operation: &Operation,
    directory: &MemberDirectory,
) -> Result<(), ExpectedError> {
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
                None if is_list => Value::Array(with_all(resource, attribute, *op, value, directory)),
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
            apply_to_values(attribute, &mut all, filter, *part, *op, value)?;
            merge(resource, &Map::from_iter([(attribute.name.to_owned(), all.into())]));
        }
    }
    Ok(())
}

/// Applies an operation to the values that the filter of its path selects.
fn apply_to_values(
    attribute: &'static Attribute,
    all: &mut Vec<Value>,
    filter: &Expression,
    part: Option<&'static Attribute>,
    op: Op,
    value: &Value,
) -> Result<(), ExpectedError> {
    match (op, part) {
        (Op::Remove, part) => elements::remove(attribute, all, filter, part),
        (_, Some(part)) => elements::change(attribute, all, filter, op, &ElementChange::Part(part, value))?,
        // Choice: a member is not replaced by another one, either, because its `value` is immutable.
        (_, None) if attribute.name == "members" => {
            return Err(ExpectedError::new("mutability", "a member cannot be changed"));
        }
        (_, None) => {
            let parts = value.as_object().cloned().unwrap_or_default();
            elements::change(attribute, all, filter, op, &ElementChange::Whole(&parts))?;
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
    directory: &MemberDirectory,
) -> Vec<Value> {
    let given = value.as_array().cloned().unwrap_or_default();
    let mut all = list(resource, attribute);
    match (op, attribute.name) {
        (Op::Add, "members") => members::add(&mut all, directory.members(&given)),
        (_, "members") => members::replace(&mut all, directory.members(&given)),
        (Op::Add, _) => elements::add(attribute, &mut all, given),
        _ => all = given,
    }
    all
}

/// The error of a member without an id, which the service finds when it reads the request. Choice: "service providers
/// MAY require clients to provide a non-empty value" (RFC 7643 §4.2).
fn member_without_id(operation: &Operation) -> Option<ExpectedError> {
    let Path::Attribute(Location { attribute, part: None, .. }) = &operation.path else { return None };
    let has_id = |member: &Value| member["value"].as_str().is_some_and(|id| !id.is_empty());
    let is_about_members = attribute.name == "members" && operation.op != Op::Remove;
    let lacks_id = operation.value.as_array().is_some_and(|given| !given.iter().all(has_id));
    (is_about_members && lacks_id).then(|| values::invalid(attribute))
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
