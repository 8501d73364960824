//! JSON objects that were sent in strings. Entra ID sends roles in this form (AppRoleAssignmentsComplex).

use serde_json::Value;

use crate::content::check_content;
use crate::{Attribute, Dialect, Leniency, Object, Violation};

/// The longest text that is read as a JSON object, in bytes. Entra ID's roles have a few hundred; the limit of the
/// number of JSON values in a body does not count those in texts.
const MAX_JSON_BYTES: usize = 4096;

/// Whether a text has the form of a JSON object, array or string. It must never become the value that it describes.
pub(crate) fn is_json(text: &str) -> bool {
    let text = text.trim();
    let inner =
        |brackets: &str| text.strip_prefix(['{', '[']).is_some_and(|rest| rest.trim_start().starts_with(brackets));
    let quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    let is_list =
        || text.starts_with('[') && (text.len() > MAX_JSON_BYTES || serde_json::from_str::<Vec<Value>>(text).is_ok());
    quoted || text == "null" || ["\"", "'", "{", "[", "}", "]", "\\"].into_iter().any(inner) || is_list()
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

/// The sub-attributes of the object in a string.
pub(crate) fn object_in_text(
    attribute: &Attribute,
    path: &str,
    text: &str,
    dialect: &Dialect,
) -> Result<Object, Violation> {
    let object = parse_object(path, text, dialect)?;
    let object: Object = object.into_iter().map(|(name, value)| (display_name(attribute, name), value)).collect();
    check_content(attribute, path, &object)?;
    Ok(known_sub_attributes(attribute, object))
}

/// The object in a string.
fn parse_object(path: &str, text: &str, dialect: &Dialect) -> Result<Object, Violation> {
    dialect.tolerate(Leniency::JsonInStrings, path)?;
    let object = serde_json::from_str(text).ok().filter(|object: &Object| !object.is_empty());
    object
        .filter(|_| text.len() <= MAX_JSON_BYTES)
        .ok_or_else(|| Violation::new(path, "is JSON in a string; send the value itself"))
}

/// The complex value whose `value` is an object in a string: the sub-attributes of that object, and the other
/// ones that were sent. `None` if its `value` is anything else.
///
/// Entra ID: `{"value": "{\"id\": \"1\", \"value\": \"Admin\", \"displayName\": \"Admin\"}"}`.
pub(crate) fn object_in_value(
    attribute: &Attribute,
    path: &str,
    object: &Object,
    dialect: &Dialect,
) -> Result<Option<Object>, Violation> {
    let Some((name, text)) = object.iter().find(|(name, _)| is_value(name)) else { return Ok(None) };
    let Some(text) = text.as_str().filter(|text| attribute.sub_attribute(name).is_some() && is_json(text)) else {
        return Ok(None);
    };
    let path = format!("{path}.value");
    let mut merged = known_sub_attributes(attribute, parse_object(&path, text, dialect)?);
    if !merged.iter().any(|(name, value)| is_value(name) && value.as_str().is_some_and(|value| !value.is_empty())) {
        return Err(Violation::new(&path, "is an object in a string without a `value`; send its `value` itself"));
    }
    merged.extend(object.iter().filter(|(name, _)| !is_value(name)).map(|(name, value)| (name.clone(), value.clone())));
    Ok(Some(merged))
}

pub(crate) fn is_value(name: &str) -> bool {
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
