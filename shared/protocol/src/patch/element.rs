//! Applies operations to elements of a multi-valued attribute: those that the filter of the path selects (RFC 7644
//! §3.5.2.2, §3.5.2.3), or the only one.

use schema::{Attribute, Dialect, Leniency, Object, Restriction, read_element, read_value};
use serde_json::Value;

use super::identity::{add, merge_equal};
use super::object::put;
use super::primary::{is_primary, keep_primary};
use super::{AttributeOperation, Op};
use crate::filter::{Filter, Operand, Operator};
use crate::limits::RESOURCE_BYTES;
use crate::work::Work;
use crate::{Comparison, Error};

/// Applies an operation with a filter, `emails[type eq "work"]…`.
pub(super) fn apply_to_matching(
    operation: &AttributeOperation,
    filter: &Filter,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
    work: &mut Work,
) -> Result<(), Error> {
    work.spend(filter.comparisons() * elements.len())?;
    let is_selected = |element: &Value| element.as_object().is_some_and(|element| filter.matches(element));
    let selected: Vec<bool> = elements.iter().map(is_selected).collect();
    let count = selected.iter().filter(|selected| **selected).count();
    if count > 1 && operation.op != Op::Remove {
        dialect.restrict(Restriction::SeveralMatches, &operation.text)?;
    }
    if count > 0 {
        rewrite(operation, elements, &selected, dialect)
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
) -> Result<(), Error> {
    check_size(operation, selected.iter().filter(|selected| **selected).count())?;
    let mut primary = None;
    let mut kept = Vec::with_capacity(elements.len());
    for (element, selected) in elements.drain(..).zip(selected) {
        match element {
            Value::Object(object) if *selected => {
                let Some(object) = apply_to_element(operation, object, dialect)? else { continue };
                if is_primary(&object) && primary.replace(kept.len()).is_some() {
                    dialect.tolerate(Leniency::SeveralPrimaries, &operation.text)?;
                }
                kept.push(Value::Object(object));
            }
            other => kept.push(other),
        }
    }
    *elements = kept;
    keep_primary(elements, primary);
    if operation.op != Op::Remove {
        merge_equal(operation.path.attribute, elements);
    }
    Ok(())
}

/// Checks, before a value is written to each of the selected elements, that they would fit into a resource.
fn check_size(operation: &AttributeOperation, selected: usize) -> Result<(), Error> {
    let bytes = operation.value().to_string().len().saturating_mul(selected);
    if operation.op == Op::Remove || bytes <= RESOURCE_BYTES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "`{}` selects {selected} values, and with this value in each of them the resource would be larger than {} KB. Send a shorter \
         value, or select fewer values.",
        operation.text,
        RESOURCE_BYTES / 1024
    )))
}

/// Handles a filter that matches no element. `remove` then has nothing to do: RFC 7644 §3.5.2.2 asks for success when
/// a member to remove is not there. `add` and `replace` are `noTarget` (§3.5.2.3), with one exception: Entra ID sets
/// `emails[type eq "work"].value` of a user without a work address and expects one to be created, and many other
/// identity providers do the same. The new element must match the filter.
fn add_matching(
    operation: &AttributeOperation,
    filter: &Filter,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
) -> Result<(), Error> {
    if operation.op == Op::Remove {
        return Ok(());
    }
    let none = || {
        Error::NoTarget(format!(
            "No value of {} matches the path `{}`. Add the value, or correct the filter.",
            operation.path, &operation.text
        ))
    };
    let creates = operation.op == Op::Add || operation.sub.is_some();
    let seed = if creates { element_of(filter) } else { None };
    let seed = seed.ok_or_else(none)?;
    let unassigns = |sub| Ok::<_, Error>(read_value(sub, &operation.text, operation.value(), dialect)?.is_none());
    if operation.sub.map_or(Ok(false), unassigns)? {
        // A sub-attribute of an element that does not exist is already unassigned.
        return Ok(dialect.tolerate(Leniency::ElementsByFilter, &operation.text)?);
    }
    let adding = AttributeOperation { op: Op::Add, ..operation.clone() };
    let made = apply_to_element(&adding, seed, dialect)?;
    let made = made.filter(|made| filter.matches(made)).ok_or_else(none)?;
    dialect.tolerate(Leniency::ElementsByFilter, &operation.text)?;
    add(operation.path.attribute, elements, vec![Value::Object(made)]);
    Ok(())
}

/// The element that a filter of the form `type eq literal and primary eq literal` describes. Any other sub-attribute
/// identifies an element instead of describing a new one: `roles[value eq "admin"].display` must not create a role.
fn element_of(filter: &Filter) -> Option<Object> {
    let single = |comparison: &Comparison| {
        if !matches!(comparison.path.attribute.name.as_str(), "type" | "primary") {
            return None;
        }
        let value = match &comparison.operand {
            _ if comparison.operator != Operator::Eq => return None,
            Operand::Text { written, .. } | Operand::DateTime { written, .. } => Value::from(written.as_str()),
            Operand::Boolean(value) => Value::Bool(*value),
            Operand::Number(value) => Value::Number(value.clone()),
        };
        Some((comparison.path.attribute.name.clone(), value))
    };
    match filter {
        Filter::Compare(comparison) => single(comparison).map(|pair| Object::from_iter([pair])),
        Filter::And(terms) => terms.iter().map(element_of).try_fold(Object::new(), |mut element, term| {
            element.extend(term?);
            Some(element)
        }),
        _ => None,
    }
}

/// Applies the operation to one element. `None` if nothing is left of it.
fn apply_to_element(
    operation: &AttributeOperation,
    mut element: Object,
    dialect: &Dialect,
) -> Result<Option<Object>, Error> {
    let had_value = element.contains_key("value");
    match (operation.op, operation.sub) {
        (Op::Remove, None) => {
            let remaining =
                operation.remaining_after_remove(operation.path.attribute, Some(&Value::Object(element)), dialect)?;
            return Ok(remaining.and_then(|remaining| remaining.as_object().cloned()));
        }
        (Op::Remove, Some(sub)) => {
            let remaining = operation.remaining_after_remove(sub, element.get(&sub.name), dialect)?;
            put(&mut element, &sub.name, remaining);
        }
        (_, Some(sub)) => put(&mut element, &sub.name, read_value(sub, &operation.text, operation.value(), dialect)?),
        (op, None) => {
            let given = read_element(operation.path.attribute, &operation.text, operation.value(), dialect)?;
            if op == Op::Replace {
                element.clear();
            }
            element.extend(given.as_ref().and_then(Value::as_object).cloned().unwrap_or_default());
        }
    }
    // Without its `value`, an element has only sub-attributes that describe the value. Entra ID removes an e-mail
    // address by its `value`; a strict client removes the sub-attribute alone (RFC 7644 §3.5.2.2).
    let is_value = |name: &String| name.eq_ignore_ascii_case("value");
    let removes_value = operation.sub.is_some_and(|sub| is_value(&sub.name))
        || operation.value().as_object().is_some_and(|it| it.keys().any(is_value));
    let is_qualifier = |name: &String| matches!(name.as_str(), "type" | "primary" | "display" | "$ref");
    let is_empty_shell = dialect.is_lenient()
        && removes_value
        && had_value
        && !element.contains_key("value")
        && element.keys().all(is_qualifier);
    Ok((!element.is_empty() && !is_empty_shell).then_some(element))
}

/// Applies an operation on a sub-attribute without a filter, `emails.value`. It is ambiguous if there are several
/// elements.
pub(super) fn apply_to_only(
    operation: &AttributeOperation,
    sub: &Attribute,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
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
        elements.push(Value::Object(Object::new()));
    }
    rewrite(operation, elements, &vec![true; elements.len()], dialect)
}
