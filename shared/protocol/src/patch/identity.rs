//! Which elements of a multi-valued attribute a value in a request refers to: elements that are equal for `add`,
//! and elements that a value sent with `remove` identifies.

use schema::{Attribute, Object, Returned};
use serde_json::Value;

use super::primary::{is_primary, keep_primary};
use crate::Error;
use crate::compare::comparison_key;

/// Adds an element, or updates the element that has the same `value` and `type` (RFC 7643 §2.4) in its place.
pub(super) fn add(attribute: &Attribute, elements: &mut Vec<Value>, given: Value) {
    let Value::Object(given) = given else {
        if !elements.iter().any(|element| equal_values(attribute, element, &given)) {
            elements.push(given);
        }
        return;
    };
    let is_same =
        |element: &Value| element.as_object().is_some_and(|element| is_same_element(attribute, element, &given));
    let at = elements.iter().position(is_same);
    match at.and_then(|at| elements.get(at)).and_then(Value::as_object).cloned().zip(at) {
        Some((mut element, at)) => {
            element.extend(given);
            set_element(elements, at, element);
        }
        None => {
            let end = elements.len();
            elements.push(Value::Null);
            set_element(elements, end, given);
        }
    }
}

/// Writes an element; if it is primary, demotes all others (RFC 7644 §3.5.2).
fn set_element(elements: &mut [Value], at: usize, element: Object) {
    let primary = is_primary(&element).then_some(at);
    if let Some(place) = elements.get_mut(at) {
        *place = Value::Object(element);
    }
    keep_primary(elements, primary);
}

/// Whether two elements are the same: equal `value` and `type`, or equal as a whole if neither has a `value`.
fn is_same_element(attribute: &Attribute, element: &Object, given: &Object) -> bool {
    if !element.contains_key("value") && !given.contains_key("value") {
        return element == given;
    }
    ["value", "type"].iter().all(|name| equal_sub_values(attribute, name, element.get(*name), given.get(*name)))
}

/// The sub-attributes that identify the element to remove: not `$ref`, which servers add, and `display` only if
/// there is no `value`.
///
/// # Errors
/// [`Error::InvalidValue`] for a secret attribute, which must not be probed by values, and for a value that
/// identifies no element.
pub(super) fn identifying_sub_attributes(
    attribute: &Attribute,
    path: &str,
    given: &Value,
) -> Result<Vec<String>, Error> {
    let names = given.as_object().into_iter().flat_map(Object::keys);
    let mut sent_attributes = names.filter_map(|name| attribute.sub_attribute(name)).chain([attribute]);
    if sent_attributes.any(|sent| sent.returned == Returned::Never) {
        return Err(Error::InvalidValue(format!(
            "{path}: this attribute is never returned, so it cannot be matched by value. Remove it without a value."
        )));
    }
    let Value::Object(given) = given else { return Ok(Vec::new()) };
    let identifies = |name: &&String| *name != "$ref" && (*name != "display" || !given.contains_key("value"));
    let identifying: Vec<String> = given.keys().filter(identifies).cloned().collect();
    if identifying.is_empty() {
        return Err(Error::InvalidValue(format!(
            "{path}: the value to remove does not identify an element. Send its `value`."
        )));
    }
    Ok(identifying)
}

/// Whether a value that was sent for removal identifies an element: all identifying sub-attributes are equal.
pub(super) fn matches_removal_value(
    attribute: &Attribute,
    element: &Value,
    given: &Value,
    identifying: &[String],
) -> bool {
    let (Value::Object(element), Value::Object(given)) = (element, given) else {
        return equal_values(attribute, element, given);
    };
    identifying.iter().all(|name| match name.as_str() {
        "primary" => is_primary(element) == is_primary(given),
        name => equal_sub_values(attribute, name, element.get(name), given.get(name)),
    })
}

fn equal_sub_values(attribute: &Attribute, name: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (attribute.sub_attribute(name), one, other) {
        (Some(sub), Some(one), Some(other)) => equal_values(sub, one, other),
        (_, one, other) => one == other,
    }
}

fn equal_values(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            comparison_key(attribute, one) == comparison_key(attribute, other)
        }
        (one, other) => one == other,
    }
}
