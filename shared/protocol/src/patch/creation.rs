//! Whether a path with a filter that matches nothing creates an element, such as `emails[type eq "work"].primary`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{AttributeOperation, Op};

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
            let subs = assigned.entry(operation.selection().to_owned()).or_default();
            if !assigns && matches!(name, "" | "value") {
                subs.clear();
            }
            subs.insert(name, assigns);
        } else if operation.op != Op::Add {
            let all = format!("{}[", operation.selection());
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
        operation.creation = of_filter.get(operation.selection()).copied().unwrap_or(Creation::Refused);
    }
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
