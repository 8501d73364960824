//! Reads one value by its attribute: checks types (RFC 7643 §2.3), leaves out unassigned values (§2.5) and drops
//! `password`.

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
        return match value {
            Value::Array(list) if attribute.is_complex() && list.len() <= 1 => {
                dialect.tolerate(Leniency::ListForSingle, path)?;
                list.first().map_or(Ok(None), |element| read_element(attribute, path, element, dialect))
            }
            other => read_element(attribute, path, other, dialect),
        };
    }
    let list = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        Value::String(text) if text.is_empty() => {
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
    if value.as_str() == Some("") {
        dialect.tolerate(Leniency::EmptyStrings, path)?;
        return Ok(None);
    }
    if attribute.is_complex() {
        return read_complex(attribute, path, value, dialect);
    }
    read_primitive(attribute.data_type, path, value, dialect).map(Some)
}

fn read_complex(attribute: &Attribute, path: &str, value: &Value, dialect: &Dialect) -> Result<Option<Value>, Invalid> {
    let wrapped;
    let object = match value {
        Value::Object(object) => object,
        Value::String(_) if attribute.sub_attribute("value").is_some() => {
            dialect.tolerate(Leniency::BareValues, path)?;
            wrapped = Object::from_iter([("value".to_owned(), value.clone())]);
            &wrapped
        }
        other => return Err(mismatch(path, "an object", other)),
    };
    let known = |name: &String| attribute.sub_attribute(name).is_some();
    if !object.is_empty() && !object.keys().any(known) {
        let names: Vec<&str> = attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        return Err(Invalid::new(
            path,
            format!("has none of the sub-attributes {}; send at least one of them", names.join(", ")),
        ));
    }
    let mut element = Object::new();
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
    // Okta sends an empty value as {"type": "work", "value": ""}. Without the value, the other sub-attributes have
    // no meaning.
    let is_empty_shell =
        without_value && element.keys().all(|name| matches!(name.as_str(), "type" | "primary" | "$ref"));
    Ok((!element.is_empty() && !is_empty_shell).then_some(Value::Object(element)))
}

/// Inserts a value; fails if the name is already there, because the client sent it in two spellings.
pub(crate) fn insert_once(holder: &mut Object, name: &str, path: &str, value: Value) -> Result<(), Invalid> {
    match holder.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Invalid::new(path, "is sent more than once, in different spellings; send it once")),
    }
}
