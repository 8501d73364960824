//! Applies operations to elements of a multi-valued attribute: those that the filter of the path selects (RFC 7644
//! §3.5.2.2, §3.5.2.3), or the only one.

use schema::{Attribute, Dialect, Leniency, Object, Restriction, read_element, read_value};
use serde_json::Value;

use super::creation::{described_element, is_qualifier};
use super::identity::{add, merge_selected};
use super::object::put;
use super::operation::{AttributeOperation, Creation, Op};
use super::primary::{is_primary, keep_primary};
use crate::Error;
use crate::filter::Filter;
use crate::limits::RESOURCE_BYTES;
use crate::work::{Work, weight};

/// Applies an operation with a filter, `emails[type eq "work"]…`.
pub(super) fn apply_to_matching(
    operation: &AttributeOperation,
    filter: &Filter,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
    work: &Work,
) -> Result<(), Error> {
    work.spend(filter.comparisons() * weight(elements))?;
    let is_selected = |element: &Value| element.as_object().is_some_and(|element| filter.matches(element));
    let selected: Vec<bool> = elements.iter().map(is_selected).collect();
    let count = selected.iter().filter(|selected| **selected).count();
    if count > 1 && operation.op != Op::Remove {
        dialect.restrict(Restriction::SeveralMatches, &operation.text)?;
    }
    if count > 0 {
        rewrite(operation, elements, &selected, dialect, work)
    } else {
        add_matching(operation, filter, elements, dialect)
    }
}

/// Applies the operation to each selected element. If it makes several primary, the last one stays primary (RFC
/// 7644 §3.5.2).
fn rewrite(
    operation: &AttributeOperation,
    elements: &mut Vec<Value>,
    selected: &[bool],
    dialect: &Dialect,
    work: &Work,
) -> Result<(), Error> {
    let count = selected.iter().filter(|selected| **selected).count();
    if operation.op == Op::Remove {
        return remove_selected(operation, elements, selected, dialect, work);
    }
    check_size(operation, count)?;
    let mut primaries = 0;
    let mut kept = Vec::with_capacity(elements.len());
    let mut is_new = Vec::with_capacity(elements.len());
    for (element, selected) in elements.drain(..).zip(selected) {
        match element {
            Value::Object(object) if *selected => {
                let Some(object) = apply_to_element(operation, object, dialect)? else { continue };
                primaries += usize::from(is_primary(&object));
                if primaries > 1 {
                    dialect.tolerate(Leniency::SeveralPrimaries, &operation.text)?;
                }
                kept.push(Value::Object(object));
            }
            other => kept.push(other),
        }
        is_new.push(*selected);
    }
    *elements = kept;
    // To write a value, and to merge it with its equals, takes as long as three comparisons.
    work.spend(3 * elements.len())?;
    merge_selected(operation.path.attribute, elements, &mut is_new);
    // Of equal elements, only the first is left, so the last primary one is known only now.
    let is_new_primary = |(element, is_new): (&Value, &bool)| *is_new && element.as_object().is_some_and(is_primary);
    let primary = elements.iter().zip(&is_new).rposition(is_new_primary);
    keep_primary(elements, primary);
    Ok(())
}

/// Removes the selected elements, or a sub-attribute of them.
fn remove_selected(
    operation: &AttributeOperation,
    elements: &mut Vec<Value>,
    selected: &[bool],
    dialect: &Dialect,
    work: &Work,
) -> Result<(), Error> {
    let attribute = operation.sub.unwrap_or(operation.path.attribute);
    let removal = operation.removal(attribute, dialect)?;
    work.spend(removal.comparisons() * weight(elements))?;
    let of_path = elements.iter().zip(selected).filter_map(|(element, selected)| selected.then_some(element));
    let removal = removal.for_elements(attribute, of_path);
    let mut kept = Vec::with_capacity(elements.len());
    for (element, selected) in elements.drain(..).zip(selected) {
        match (element, operation.sub) {
            (Value::Object(mut object), Some(sub)) if *selected => {
                let had_value = object.contains_key("value");
                if object.get(&sub.name).is_some_and(|value| removal.identifies(sub, value)) {
                    object.shift_remove(&sub.name);
                }
                kept.extend(remaining_element(operation, object, had_value, dialect).map(Value::Object));
            }
            (element, None) if *selected && removal.identifies(attribute, &element) => {}
            (element, _) => kept.push(element),
        }
    }
    *elements = kept;
    Ok(())
}

/// Checks, before a value is written to each of the selected elements, that they would fit into a resource.
fn check_size(operation: &AttributeOperation, selected: usize) -> Result<(), Error> {
    let bytes = operation.value().to_string().len().saturating_mul(selected);
    if bytes <= RESOURCE_BYTES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "`{}` selects {selected} values, and with this value in each of them the resource would be larger than {} KB. \
         Send a shorter value, or select fewer values.",
        operation.text,
        RESOURCE_BYTES / 1024
    )))
}

/// Handles a filter that matches no element. `remove` then has nothing to do: RFC 7644 §3.5.2.2 asks for success when
/// a member to remove is not there. `add` and `replace` are `noTarget` (§3.5.2.3), with one exception: Entra ID sets
/// `emails[type eq "work"].value` of a user without a work address and expects one to be created, and many other
/// identity providers do the same. The new element must match the filter, and have more than `type` and `primary`, by
/// this operation or by another one of the request ([`Creation`]).
fn add_matching(
    operation: &AttributeOperation,
    filter: &Filter,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
) -> Result<(), Error> {
    if operation.op == Op::Remove {
        return Ok(());
    }
    let creates = operation.op == Op::Add || operation.sub.is_some();
    let seed = if creates { described_element(filter) } else { None };
    let read = match operation.sub {
        Some(sub) => read_value(sub, &operation.text, operation.value(), dialect)?,
        None => read_element(operation.path.attribute, &operation.text, operation.value(), dialect)?,
    };
    let seed = seed.filter(|_| operation.creation != Creation::Refused).ok_or_else(|| no_match(operation))?;
    if read.is_none() || operation.creation == Creation::Skipped {
        // A sub-attribute of an element that does not exist is already unassigned.
        return Ok(dialect.tolerate(Leniency::ElementsByFilter, &operation.text)?);
    }
    let adding = AttributeOperation { op: Op::Add, ..operation.clone() };
    let made = apply_to_element(&adding, seed, dialect)?;
    let is_described = |made: &Object| operation.sub.is_some() || made.keys().any(|name| !is_qualifier(name));
    let made = made.filter(|made| filter.matches(made) && is_described(made)).ok_or_else(|| no_match(operation))?;
    dialect.tolerate(Leniency::ElementsByFilter, &operation.text)?;
    add(operation.path.attribute, elements, vec![Value::Object(made)]);
    Ok(())
}

fn no_match(operation: &AttributeOperation) -> Error {
    Error::NoTarget(format!(
        "No value of {} matches the path `{}`. Add the value, or correct the filter.",
        operation.path, &operation.text
    ))
}

/// Applies `add` or `replace` to one element. `None` if nothing is left of it.
fn apply_to_element(
    operation: &AttributeOperation,
    mut element: Object,
    dialect: &Dialect,
) -> Result<Option<Object>, Error> {
    let had_value = element.contains_key("value");
    match operation.sub {
        Some(sub) => {
            let read = read_value(sub, &operation.text, operation.value(), dialect)?;
            let value = operation.assigned_value(element.get(&sub.name), read);
            put(&mut element, &sub.name, value);
        }
        None => {
            let given = read_element(operation.path.attribute, &operation.text, operation.value(), dialect)?;
            if operation.op == Op::Replace {
                element.clear();
            }
            element.extend(given.as_ref().and_then(Value::as_object).cloned().unwrap_or_default());
        }
    }
    Ok(remaining_element(operation, element, had_value, dialect))
}

/// The rest of an element; `None` if it describes nothing.
///
/// Without its `value`, an element has only sub-attributes that describe the value. Entra ID removes an e-mail
/// address by its `value`; a strict client removes the sub-attribute alone (RFC 7644 §3.5.2.2).
fn remaining_element(
    operation: &AttributeOperation,
    element: Object,
    had_value: bool,
    dialect: &Dialect,
) -> Option<Object> {
    let is_value = |name: &String| name.eq_ignore_ascii_case("value");
    let removes_value = operation.sub.is_some_and(|sub| is_value(&sub.name))
        || operation.value().as_object().is_some_and(|it| it.keys().any(is_value));
    let describes = |name: &String| is_qualifier(name) || name == "display";
    let is_empty_shell = dialect.is_lenient()
        && removes_value
        && had_value
        && !element.contains_key("value")
        && element.keys().all(describes);
    (!element.is_empty() && !is_empty_shell).then_some(element)
}

/// Applies an operation on a sub-attribute without a filter, `emails.value`. It is ambiguous if there are several
/// elements.
pub(super) fn apply_to_only(
    operation: &AttributeOperation,
    sub: &Attribute,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
    work: &Work,
) -> Result<(), Error> {
    if elements.len() > 1 && operation.op != Op::Remove {
        let name = &operation.path.attribute.name;
        return Err(Error::InvalidPath(format!(
            "`{}` does not select one of the {} values of {name}. Add a filter, such as {name}[type eq \"work\"].{}.",
            &operation.text,
            elements.len(),
            sub.name
        )));
    }
    if elements.is_empty() && operation.op != Op::Remove {
        if sub.name == "primary" {
            return Err(Error::NoTarget(format!(
                "`{}` has no value that could become primary. Add the value first.",
                operation.text
            )));
        }
        elements.push(Value::Object(Object::new()));
    }
    rewrite(operation, elements, &vec![true; elements.len()], dialect, work)
}
