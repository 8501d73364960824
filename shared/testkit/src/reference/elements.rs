//! Operations on the values of multi-valued attributes of users (RFC 7644 §3.5.2; RFC 7643 §2.4).

use serde_json::{Map, Value, json};

use super::attributes::Attribute;
use super::expected_error::ExpectedError;
use super::filter::matches_element;
use super::merge::merge;
use super::operation::Op;
use super::syntax::Expression;
use super::values::invalid;

/// "A new value is added to the attribute"; "if the target location already contains the value specified, no changes
/// SHOULD be made" (§3.5.2.1).
///
/// Choice: because the same `type` and `value` SHOULD NOT be returned twice (RFC 7643 §2.4), an element that has them
/// gets the other sub-attributes that are sent. They are compared as `caseExact` says, and get the case that is sent.
pub(super) fn add(attribute: &Attribute, elements: &mut Vec<Value>, added: Vec<Value>) {
    for element in added {
        let at = match elements.iter().position(|present| is_same(attribute, present, &element)) {
            Some(at) => at,
            None => {
                elements.push(json!({}));
                elements.len() - 1
            }
        };
        if let (Value::Object(present), Value::Object(parts)) = (&mut elements[at], &element) {
            merge(present, parts);
        }
        if elements[at]["primary"] == true {
            set_others_secondary(elements, &[at]);
        }
    }
}

/// Choice: values without a `value`, such as addresses, are the same if they are identical.
fn is_same(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    if one["value"].is_null() && other["value"].is_null() {
        return one == other;
    }
    ["value", "type"].iter().filter_map(|name| attribute.part(name)).all(|part| {
        match (&one[part.name], &other[part.name]) {
            (Value::String(one), Value::String(other)) if !part.is_case_exact => {
                one.to_lowercase() == other.to_lowercase()
            }
            (one, other) => one == other,
        }
    })
}

/// An operation on a sub-attribute of a multi-valued attribute without a filter, such as `emails.display`, which the
/// RFC does not define.
///
/// Choice: remove is for all values. Add and replace are for the only value, and make one if there is none.
///
/// # Errors
/// If there are several values: `invalidPath`, because the path does not identify one of them. If there is none that
/// could become primary: `noTarget`, because `primary` alone is no value.
pub(super) fn change_only(
    elements: &mut Vec<Value>,
    op: Op,
    part: &'static Attribute,
    value: &Value,
) -> Result<(), ExpectedError> {
    if op != Op::Remove && elements.len() > 1 {
        return Err(ExpectedError::new(
            "invalidPath",
            format!("the path of {} does not say which value is meant", part.name),
        ));
    }
    if op != Op::Remove && elements.is_empty() && part.name == "primary" && value.is_boolean() {
        return Err(ExpectedError::new("noTarget", "there is no value that could become primary"));
    }
    if op != Op::Remove && elements.is_empty() {
        elements.push(json!({}));
    }
    let change = Map::from_iter([(part.name.to_owned(), value.clone())]);
    elements.iter_mut().filter_map(Value::as_object_mut).for_each(|element| merge(element, &change));
    Ok(())
}

/// "A PATCH operation that sets a value's 'primary' sub-attribute to 'true' SHALL cause the server to automatically
/// set 'primary' to 'false' for any other values" (§3.5.2). One that is not specified is false already.
fn set_others_secondary(elements: &mut [Value], chosen: &[usize]) {
    let others = elements.iter_mut().enumerate().filter(|(at, _)| !chosen.contains(at)).map(|(_, element)| element);
    others.filter(|element| element["primary"] == true).for_each(|element| element["primary"] = Value::Bool(false));
}

/// The change that an operation makes to the values that a filter selects.
pub(super) enum ElementChange<'v> {
    /// The values themselves, with the sub-attributes that are given.
    Whole(&'v Map<String, Value>),
    /// One of their sub-attributes.
    Part(&'static Attribute, &'v Value),
}

/// Changes the values that match the filter.
///
/// # Errors
/// If no value matches: `noTarget` (§3.5.2.3; Table 9). Choice: so it is for add, which the RFC does not define for a
/// filter. If several values became primary: `invalidValue`, as for any value in which several are.
pub(super) fn change(
    attribute: &'static Attribute,
    elements: &mut Vec<Value>,
    filter: &Expression,
    op: Op,
    change: &ElementChange<'_>,
) -> Result<(), ExpectedError> {
    let chosen = selected(attribute, elements, filter);
    if chosen.is_empty() {
        return Err(ExpectedError::new("noTarget", "the filter matches no value"));
    }
    let becomes_primary = match change {
        ElementChange::Whole(parts) => parts.get("primary") == Some(&Value::Bool(true)),
        ElementChange::Part(part, value) => part.name == "primary" && **value == true,
    };
    if becomes_primary && chosen.len() > 1 {
        return Err(invalid(attribute));
    }
    if becomes_primary {
        set_others_secondary(elements, &chosen);
    }
    for at in chosen.iter().copied() {
        let Value::Object(element) = &mut elements[at] else { continue };
        match change {
            ElementChange::Whole(parts) => {
                // "All matching record values SHALL be replaced" (§3.5.2.3). Choice: add keeps the other
                // sub-attributes, as for a complex attribute.
                if op == Op::Replace {
                    element.clear();
                }
                merge(element, parts);
            }
            ElementChange::Part(part, value) => {
                merge(element, &Map::from_iter([(part.name.to_owned(), (*value).clone())]))
            }
        }
    }
    unite(attribute, elements, &chosen);
    Ok(())
}

/// Merges values that are the same as one that the operation wrote (RFC 7643 §2.4).
///
/// Choice: the merged value is at the place of the first. The sub-attributes that the operation wrote win, and it is
/// primary if one of the values was.
fn unite(attribute: &Attribute, elements: &mut Vec<Value>, chosen: &[usize]) {
    let all = std::mem::take(elements);
    for (at, element) in all.iter().enumerate() {
        let same: Vec<usize> = (0..all.len()).filter(|other| is_same(attribute, element, &all[*other])).collect();
        if same.len() == 1 || !same.iter().any(|other| chosen.contains(other)) {
            elements.push(element.clone());
        } else if same[0] == at {
            let (written, others): (Vec<usize>, Vec<usize>) = same.iter().partition(|other| chosen.contains(other));
            let mut one = Map::new();
            others
                .iter()
                .chain(&written)
                .filter_map(|at| all[*at].as_object())
                .for_each(|parts| merge(&mut one, parts));
            if same.iter().any(|at| all[*at]["primary"] == true) {
                one.insert("primary".to_owned(), Value::Bool(true));
            }
            elements.push(one.into());
        }
    }
}

/// Removes the values that match the filter, or a sub-attribute of them (§3.5.2.2).
///
/// A value that is null afterwards is left out when the values are assigned.
///
/// It is no failure if no value matches. That section lists the failures of remove, and this is none of them: "if the
/// user was not a member of this group, no changes should be made to the resource, and a success response should be
/// returned". Only §3.5.2.3 on replace makes it `noTarget`; Table 9 defines what that means where it is returned.
pub(super) fn remove(
    attribute: &'static Attribute,
    elements: &mut [Value],
    filter: &Expression,
    part: Option<&'static Attribute>,
) {
    for at in selected(attribute, elements, filter) {
        match (part, &mut elements[at]) {
            (Some(part), Value::Object(element)) => drop(element.shift_remove(part.name)),
            (_, element) => *element = Value::Null,
        }
    }
}

fn selected(attribute: &'static Attribute, elements: &[Value], filter: &Expression) -> Vec<usize> {
    (0..elements.len()).filter(|at| matches_element(filter, attribute, &elements[*at])).collect()
}
