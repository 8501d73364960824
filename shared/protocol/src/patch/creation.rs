//! Whether a path with a filter that matches nothing creates an element, such as `emails[type eq "work"].primary`.

use std::collections::{BTreeMap, HashMap};

use schema::Object;
use serde_json::Value;

use super::{AttributeOperation, Op};
use crate::Comparison;
use crate::filter::{Filter, Operand, Operator};

/// What an operation does if its filter matches nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Creation {
    /// It creates an element, if the filter describes one.
    #[default]
    Allowed,
    /// It does nothing, because another operation of the request removes the value that it would qualify.
    Skipped,
    /// It is `noTarget`: nothing in the request has a value that it could qualify.
    Refused,
}

/// Whether a sub-attribute only qualifies a value.
pub(super) fn is_qualifier(name: &str) -> bool {
    matches!(name, "type" | "primary" | "$ref")
}

/// Decides for the operations that set `type` or `primary` by a filter. Alone, they have no value to qualify; but Entra ID
/// sends them together with the value, before or after it.
pub(super) fn decide(operations: &mut [AttributeOperation]) {
    if !operations.iter().any(sets_qualifier) {
        return;
    }
    // For each filter: whether the last operation on each other sub-attribute assigns it. What removes an element, its
    // value or all elements undoes what was assigned before.
    let mut assigned: HashMap<String, BTreeMap<&str, bool>> = HashMap::new();
    for operation in operations.iter() {
        let name = operation.sub.map_or("", |sub| sub.name.as_str());
        if is_qualifier(name) {
            continue;
        }
        let assigns = operation.op != Op::Remove && has_content(operation.value());
        if operation.filter.is_some() {
            let subs = assigned.entry(selection(operation)).or_default();
            if !assigns && matches!(name, "" | "value") {
                subs.clear();
            }
            subs.insert(name, assigns);
        } else if operation.op != Op::Add {
            let all = selection(operation);
            let of_attribute = assigned.iter_mut().filter(|(filter, _)| filter.starts_with(&all));
            of_attribute.for_each(|(_, subs)| *subs = BTreeMap::from([("", false)]));
        }
    }
    let of_filter: HashMap<String, Creation> = assigned
        .into_iter()
        .map(|(filter, subs)| {
            (filter, if subs.values().any(|assigned| *assigned) { Creation::Allowed } else { Creation::Skipped })
        })
        .collect();
    for operation in operations.iter_mut().filter(|operation| sets_qualifier(operation)) {
        operation.creation = of_filter.get(&selection(operation)).copied().unwrap_or(Creation::Refused);
    }
}

/// The attribute of an operation, then what its filter selects. It is the same text for two filters that describe the
/// same element.
fn selection(operation: &AttributeOperation) -> String {
    let Some(filter) = &operation.filter else { return format!("{}[", operation.path) };
    let described = described_element(filter).map(|element| {
        let mut terms: Vec<String> =
            element.iter().map(|(name, value)| format!("{name} {}", value.to_string().to_lowercase())).collect();
        terms.sort();
        terms.join(" and ")
    });
    format!("{}[{}", operation.path, described.unwrap_or_else(|| filter.to_string()))
}

/// Whether an operation sets a qualifier of what a filter selects.
fn sets_qualifier(operation: &AttributeOperation) -> bool {
    let is_of_qualifier = operation.sub.is_some_and(|sub| is_qualifier(&sub.name));
    is_of_qualifier && operation.filter.is_some() && operation.op != Op::Remove
}

/// Whether a value assigns something besides qualifiers.
fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(has_content),
        Value::Object(object) => {
            object.iter().any(|(name, value)| !is_qualifier(&name.to_ascii_lowercase()) && has_content(value))
        }
        _ => true,
    }
}

/// The element that a filter of the form `type eq literal and primary eq literal` describes. Any other sub-attribute
/// identifies an element instead of describing a new one: `roles[value eq "admin"].display` must not create a role.
pub(super) fn described_element(filter: &Filter) -> Option<Object> {
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
        Filter::And(terms) => terms.iter().map(described_element).try_fold(Object::new(), |mut element, term| {
            element.extend(term?);
            Some(element)
        }),
        _ => None,
    }
}
