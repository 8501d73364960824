//! Reads one value by its attribute: checks types (RFC 7643 §2.3), leaves out unassigned values (§2.5) and drops
//! `password`.

use std::borrow::Cow;

use serde_json::Value;

use crate::content::{check_content, is_content};
use crate::json_text::{is_json, is_value, object_in_text, object_in_value};
use crate::primitive::read_primitive;
use crate::violation::mismatch;
use crate::{Attribute, Dialect, Leniency, Mutability, Object, Violation};

/// Reads a value, or returns `None` for a read-only attribute and for `password` (RFC 7643 §4.1.1), which is never
/// kept.
pub(crate) fn read_writable(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Violation> {
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
) -> Result<Option<Value>, Violation> {
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
) -> Result<Cow<'v, Value>, Violation> {
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
            Ok(Cow::Owned(Value::Object(object_in_text(attribute, path, text, dialect)?)))
        }
        other => Ok(Cow::Borrowed(other)),
    }
}

/// Makes every primary value but the last one non-primary, as RFC 7643 §2.4 allows only one.
fn keep_last_primary(elements: &mut [Value], path: &str, dialect: &Dialect) -> Result<(), Violation> {
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
) -> Result<Option<Value>, Violation> {
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
            Err(Violation::new(path, "is JSON in a string; send the value itself"))
        }
        other => read_primitive(attribute.data_type, path, other, dialect).map(Some),
    }
}

/// The `value` of an object in which nothing else is assigned. Entra ID: `[{"$ref": null, "value": "x"}]`.
fn wrapped(value: &Value) -> Option<&Value> {
    let mut assigned = value.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let (name, value) = assigned.next()?;
    (is_value(name) && assigned.next().is_none() && !value.is_object() && !value.is_array()).then_some(value)
}

/// Reads a value of a complex attribute (RFC 7643 §2.3.8).
fn read_complex(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Violation> {
    let object = complex_object(attribute, path, value, dialect)?;
    check_known_names(attribute, path, &object, dialect)?;
    let (element, omissions) = read_sub_attributes(attribute, path, &object, dialect)?;
    if omissions.unknown_name {
        check_content(attribute, path, &object)?;
    }
    let is_bare_primary = attribute.multi_valued && element.len() == 1 && element.contains_key("primary");
    if is_bare_primary && !(omissions.content && dialect.is_lenient()) {
        return Err(Violation::new(path, "has `primary` and no value; send the value with it"));
    }
    if attribute.multi_valued && element.is_empty() && !dialect.is_lenient() {
        return Err(Violation::new(path, "has no value; leave it out"));
    }
    // Okta sends an empty value as {"type": "work", "value": ""}. Without the value, the other sub-attributes have
    // no meaning. A strict client unassigns a value by null, and the other sub-attributes stay (RFC 7643 §2.5).
    let is_empty_shell = dialect.is_lenient()
        && omissions.value
        && element.keys().all(|name| matches!(name.as_str(), "type" | "primary" | "$ref"));
    Ok((!element.is_empty() && !is_empty_shell && !is_bare_primary).then_some(Value::Object(element)))
}

/// The object of a complex value, which may also be sent as JSON in a string, or as its `value` alone.
///
/// # Errors
/// A value of another type, and a deviation that the dialect does not tolerate.
fn complex_object<'v>(
    attribute: &Attribute,
    path: &str,
    value: &'v Value,
    dialect: &Dialect,
) -> Result<Cow<'v, Object>, Violation> {
    match value {
        Value::Object(object) => {
            Ok(object_in_value(attribute, path, object, dialect)?.map_or(Cow::Borrowed(object), Cow::Owned))
        }
        Value::String(text) if is_json(text) => Ok(Cow::Owned(object_in_text(attribute, path, text, dialect)?)),
        Value::String(_) if attribute.sub_attribute("value").is_some() => {
            dialect.tolerate(Leniency::BareValues, path)?;
            Ok(Cow::Owned(Object::from_iter([("value".to_owned(), value.clone())])))
        }
        other => Err(mismatch(path, "an object", other)),
    }
}

/// Rejects an object without any sub-attribute that the attribute has, and in a strict dialect also an empty element.
fn check_known_names(attribute: &Attribute, path: &str, object: &Object, dialect: &Dialect) -> Result<(), Violation> {
    let is_known = |name: &String| attribute.sub_attribute(name).is_some();
    let is_empty_element = attribute.multi_valued && object.is_empty() && !dialect.is_lenient();
    if !is_empty_element && (object.is_empty() || object.keys().any(is_known)) {
        return Ok(());
    }
    let names: Vec<&str> = attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
    let problem = format!("has none of the sub-attributes {}; send at least one of them", names.join(", "));
    Err(Violation::new(path, problem))
}

/// The members of an object that its element does not have.
#[derive(Default)]
struct Omissions {
    /// `value` is unassigned.
    value: bool,
    /// A sub-attribute that is content of the element is unassigned.
    content: bool,
    /// A name does not exist.
    unknown_name: bool,
}

/// Reads the sub-attributes of a complex value.
fn read_sub_attributes(
    attribute: &Attribute,
    path: &str,
    object: &Object,
    dialect: &Dialect,
) -> Result<(Object, Omissions), Violation> {
    let mut element = Object::with_capacity(object.len().min(attribute.sub_attributes.len()));
    let mut omissions = Omissions::default();
    for (name, value) in object {
        let Some(sub) = attribute.sub_attribute(name) else {
            check_is_no_path(attribute, path, name)?;
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{path}.{name}"))?;
            omissions.unknown_name = true;
            continue;
        };
        sub.check_name(name, format_args!("{path}.{name}"), dialect)?;
        let path = format!("{path}.{}", sub.name);
        match read_writable(sub, &path, value, dialect)? {
            Some(value) => insert_once(&mut element, &sub.name, &path, value)?,
            None => {
                omissions.value |= sub.name == "value";
                omissions.content |= is_content(attribute, sub);
            }
        }
    }
    Ok((element, omissions))
}

/// Rejects an unknown name that is the path of a sub-attribute, such as `name.givenName` in `name`. Ignoring it would
/// lose its value.
fn check_is_no_path(attribute: &Attribute, path: &str, name: &str) -> Result<(), Violation> {
    let Some((head, sub)) = name.rsplit_once('.') else { return Ok(()) };
    let head = head.rsplit(':').next().unwrap_or(head);
    match attribute.sub_attribute(sub) {
        Some(sub) if head.eq_ignore_ascii_case(&attribute.name) => {
            let problem = format!("is a path; send `{}` inside the object", sub.name);
            Err(Violation::new(&format!("{path}.{name}"), problem))
        }
        _ => Ok(()),
    }
}

/// Inserts a value; fails if the name is already there, because the client sent it in two spellings.
pub(crate) fn insert_once(holder: &mut Object, name: &str, path: &str, value: Value) -> Result<(), Violation> {
    match holder.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Violation::new(path, "is sent more than once, in different spellings; send it once")),
    }
}
