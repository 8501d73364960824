//! Reads one value by its attribute: checks types (RFC 7643 §2.3), leaves out unassigned values (§2.5) and drops
//! `password`.

use std::borrow::Cow;

use serde_json::Value;

use crate::invalid::mismatch;
use crate::primitive::read_primitive;
use crate::{Attribute, Dialect, Invalid, Leniency, Mutability, Object};

/// Reads a value, or returns `None` for a read-only attribute and for `password` (RFC 7643 §4.1.1), which is never
/// kept.
pub(crate) fn read_writable(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if attribute.mutability == Mutability::ReadOnly || attribute.is_discarded() {
        return Ok(None);
    }
    read_value(attribute, path, value, dialect)
}

/// Reads the value of an attribute. `None` means "unassigned": null, `""`, `[]` and `{}` (RFC 7643 §2.5).
///
/// # Errors
/// A value of the wrong type, or a deviation that the dialect does not tolerate.
pub fn read_value(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if !attribute.multi_valued {
        let value = single_value(attribute, path, value, dialect)?;
        return read_element(attribute, path, &value, dialect);
    }
    let list = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        Value::String(text) if text.is_empty() && dialect.is_lenient() => {
            dialect.tolerate(Leniency::EmptyStrings, path)?;
            &[]
        }
        Value::Object(object) if object.is_empty() => return Err(mismatch(path, "an array", value)),
        single => {
            dialect.tolerate(Leniency::SingleForList, path)?;
            std::slice::from_ref(single)
        }
    };
    let mut elements = Vec::with_capacity(list.len());
    for (at, element) in list.iter().enumerate() {
        elements.extend(read_element(attribute, &format!("{path}[{at}]"), element, dialect)?);
    }
    keep_last_primary(&mut elements, path, dialect)?;
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

/// The value of a single-valued attribute without the array in which it was sent; a complex one also without the
/// string.
///
/// # Errors
/// A deviation that the dialect does not tolerate, and a text that only begins like an object.
pub fn single_value<'v>(
    attribute: &Attribute,
    path: &str,
    value: &'v Value,
    dialect: &Dialect,
) -> Result<Cow<'v, Value>, Invalid> {
    let value = match value {
        Value::Array(list) if list.len() <= 1 => {
            let only = list.first().unwrap_or(&Value::Null);
            let wrapped = if attribute.is_complex() { None } else { wrapped(only) };
            let leniency = if wrapped.is_some() { Leniency::WrappedValues } else { Leniency::ListForSingle };
            dialect.tolerate(leniency, path)?;
            wrapped.unwrap_or(only)
        }
        other => other,
    };
    match value {
        Value::String(text) if attribute.is_complex() && is_json(text) => {
            Ok(Cow::Owned(Value::Object(known_sub_attributes(attribute, parse_object(path, text, dialect)?))))
        }
        other => Ok(Cow::Borrowed(other)),
    }
}

/// Makes every primary value but the last one non-primary, as RFC 7643 §2.4 allows only one.
fn keep_last_primary(elements: &mut [Value], path: &str, dialect: &Dialect) -> Result<(), Invalid> {
    let mut found = false;
    for element in elements.iter_mut().rev() {
        if let Some(primary) = element.get_mut("primary").filter(|primary| **primary == Value::Bool(true)) {
            if found {
                dialect.tolerate(Leniency::SeveralPrimaries, path)?;
            }
            *primary = Value::Bool(!found);
            found = true;
        }
    }
    Ok(())
}

/// Reads one element of a multi-valued attribute, or the value of a single-valued one.
///
/// # Errors
/// A value of the wrong type, or a deviation that the dialect does not tolerate.
pub fn read_element(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if value.is_null() {
        return Ok(None);
    }
    // An empty string is a value (RFC 7643 §2.3.1); identity providers send it for no value.
    if value.as_str() == Some("") && dialect.is_lenient() {
        dialect.tolerate(Leniency::EmptyStrings, path)?;
        return Ok(None);
    }
    if attribute.is_complex() {
        return read_complex(attribute, path, value, dialect);
    }
    match value {
        // `value` identifies its element, so the text of an object must not become the identity (RFC 7643 §2.4).
        Value::String(text) if attribute.name == "value" && is_json(text) => {
            Err(Invalid::new(path, "is JSON in a string; send the object itself"))
        }
        other => read_primitive(attribute.data_type, path, other, dialect).map(Some),
    }
}

/// The `value` of an object in a string, with which an element is compared that was sent in this form.
pub fn value_in_json(text: &str) -> Option<String> {
    if text.len() > MAX_JSON_BYTES || !is_json(text) {
        return None;
    }
    let object: Object = serde_json::from_str(text).ok()?;
    let (_, value) = object.iter().find(|(name, _)| is_value(name))?;
    value.as_str().filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The `value` of an object in which nothing else is assigned. Entra ID: `[{"$ref": null, "value": "x"}]`.
fn wrapped(value: &Value) -> Option<&Value> {
    let mut assigned = value.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let (name, value) = assigned.next()?;
    (is_value(name) && assigned.next().is_none() && !value.is_object() && !value.is_array()).then_some(value)
}

fn read_complex(attribute: &Attribute, path: &str, value: &Value, dialect: &Dialect) -> Result<Option<Value>, Invalid> {
    let parsed;
    let object = match value {
        Value::Object(object) => match object_in_value(attribute, path, object, dialect)? {
            None => object,
            Some(merged) => {
                parsed = merged;
                &parsed
            }
        },
        Value::String(text) if is_json(text) => {
            parsed = known_sub_attributes(attribute, parse_object(path, text, dialect)?);
            &parsed
        }
        Value::String(_) if attribute.sub_attribute("value").is_some() => {
            dialect.tolerate(Leniency::BareValues, path)?;
            parsed = Object::from_iter([("value".to_owned(), value.clone())]);
            &parsed
        }
        other => return Err(mismatch(path, "an object", other)),
    };
    let known = |name: &String| attribute.sub_attribute(name).is_some();
    let is_empty_element = attribute.multi_valued && object.is_empty() && !dialect.is_lenient();
    if is_empty_element || (!object.is_empty() && !object.keys().any(known)) {
        let names: Vec<&str> = attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        return Err(Invalid::new(
            path,
            format!("has none of the sub-attributes {}; send at least one of them", names.join(", ")),
        ));
    }
    let mut element = Object::with_capacity(object.len().min(attribute.sub_attributes.len()));
    let mut without_value = false;
    for (name, value) in object {
        let Some(sub) = attribute.sub_attribute(name) else {
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{path}.{name}"))?;
            continue;
        };
        sub.check_name(name, format_args!("{path}.{name}"), dialect)?;
        let path = format!("{path}.{}", sub.name);
        match read_writable(sub, &path, value, dialect)? {
            Some(value) => insert_once(&mut element, &sub.name, &path, value)?,
            None => without_value |= sub.name == "value",
        }
    }
    let is_bare_primary = attribute.multi_valued && element.len() == 1 && element.contains_key("primary");
    if is_bare_primary && (object.len() == 1 || !dialect.is_lenient()) {
        return Err(Invalid::new(path, "has `primary` and no value; send the value with it"));
    }
    if attribute.multi_valued && element.is_empty() && !dialect.is_lenient() {
        return Err(Invalid::new(path, "has no value; leave it out"));
    }
    // Okta sends an empty value as {"type": "work", "value": ""}. Without the value, the other sub-attributes have
    // no meaning. A strict client leaves a value unassigned by null, and what it sent with it stays (RFC 7643 §2.5).
    let is_empty_shell = dialect.is_lenient()
        && without_value
        && element.keys().all(|name| matches!(name.as_str(), "type" | "primary" | "$ref"));
    Ok((!element.is_empty() && !is_empty_shell && !is_bare_primary).then_some(Value::Object(element)))
}

/// The longest text that is read as a JSON object, in bytes. Entra ID's roles have a few hundred; the limit of the
/// number of JSON values in a body does not count those in texts.
const MAX_JSON_BYTES: usize = 4096;

/// Whether a text has the form of a JSON object, array or string. It must never become the value that it describes.
fn is_json(text: &str) -> bool {
    let text = text.trim();
    let inner =
        |brackets: &str| text.strip_prefix(['{', '[']).is_some_and(|rest| rest.trim_start().starts_with(brackets));
    let quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    quoted || text == "null" || ["\"", "'", "{", "[", "}", "]"].into_iter().any(inner)
}

/// The object in a string.
fn parse_object(path: &str, text: &str, dialect: &Dialect) -> Result<Object, Invalid> {
    dialect.tolerate(Leniency::JsonInStrings, path)?;
    let object = serde_json::from_str(text).ok().filter(|object: &Object| !object.is_empty());
    object
        .filter(|_| text.len() <= MAX_JSON_BYTES)
        .ok_or_else(|| Invalid::new(path, "is JSON in a string; send the object itself"))
}

/// The complex value whose `value` is an object in a string: the sub-attributes of that object, and those that were
/// sent beside it. `None` if its `value` is anything else.
///
/// Entra ID: `{"value": "{\"id\": \"1\", \"value\": \"Admin\", \"displayName\": \"Admin\"}"}`.
fn object_in_value(
    attribute: &Attribute,
    path: &str,
    object: &Object,
    dialect: &Dialect,
) -> Result<Option<Object>, Invalid> {
    let Some((name, text)) = object.iter().find(|(name, _)| is_value(name)) else { return Ok(None) };
    let Some(text) = text.as_str().filter(|text| attribute.sub_attribute(name).is_some() && is_json(text)) else {
        return Ok(None);
    };
    let path = format!("{path}.value");
    let mut merged = known_sub_attributes(attribute, parse_object(&path, text, dialect)?);
    if !merged.iter().any(|(name, value)| is_value(name) && value.as_str().is_some_and(|value| !value.is_empty())) {
        return Err(Invalid::new(&path, "is an object in a string without a `value`; send its `value` itself"));
    }
    merged.extend(object.iter().filter(|(name, _)| !is_value(name)).map(|(name, value)| (name.clone(), value.clone())));
    Ok(Some(merged))
}

fn is_value(name: &str) -> bool {
    name.eq_ignore_ascii_case("value")
}

/// The sub-attributes that an object in a string describes; the others, such as Entra ID's `id`, are left out.
fn known_sub_attributes(attribute: &Attribute, object: Object) -> Object {
    let named = object.into_iter().map(|(name, value)| (display_name(attribute, name), value));
    named.filter(|(name, _)| attribute.sub_attribute(name).is_some()).collect()
}

/// Reads the elements that an earlier version stored with an object in a string as their `value`.
pub fn read_stored_json(attribute: &Attribute, elements: &mut [Value]) {
    for element in elements {
        let Some(object) = element.as_object() else { continue };
        if let Ok(Some(read)) = object_in_value(attribute, "", object, &Dialect::lenient()) {
            *element = Value::Object(read);
        }
    }
}

/// The name in which an attribute has a display name: Entra ID calls it `displayName`.
fn display_name(attribute: &Attribute, name: String) -> String {
    let is_known = attribute.sub_attribute(&name).is_some();
    if !is_known && name.eq_ignore_ascii_case("displayName") { "display".to_owned() } else { name }
}

/// Inserts a value; fails if the name is already there, because the client sent it in two spellings.
pub(crate) fn insert_once(holder: &mut Object, name: &str, path: &str, value: Value) -> Result<(), Invalid> {
    match holder.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Invalid::new(path, "is sent more than once, in different spellings; send it once")),
    }
}
