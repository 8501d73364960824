//! Values that PATCH operations assign, checked against the schema (RFC 7643 §2.3, §2.5; RFC 7644 §3.5.2).

use serde_json::{Map, Value};

use super::attributes::{Attribute, DataType, Mutability};
use super::expected_error::ExpectedError;

/// Rejects a change of an attribute that the client must not change (§3.5.2).
///
/// Choice: members can be added and removed, but their sub-attributes cannot be changed. The RFC would allow to "add"
/// to an immutable attribute without a value.
pub(super) fn check_mutability(attribute: &Attribute) -> Result<(), ExpectedError> {
    match attribute.mutability {
        Mutability::ReadWrite | Mutability::WriteOnly => Ok(()),
        Mutability::ReadOnly | Mutability::Immutable => {
            Err(ExpectedError::new("mutability", format!("{} cannot be changed", attribute.name)))
        }
    }
}

/// The value of a simple attribute; null unassigns it.
pub(super) fn simple(attribute: &Attribute, value: &Value) -> Result<Value, ExpectedError> {
    let is_fit = match (attribute.data_type, value) {
        (_, Value::Null) | (DataType::Boolean, Value::Bool(_)) => true,
        // RFC 7643 §2.5 makes null and an empty array unassigned, and not "", which is a text (§2.3.1).
        (DataType::Text, Value::String(_)) => true,
        (DataType::Reference, Value::String(text)) => is_uri(text),
        (DataType::Binary, Value::String(text)) => is_base64(text),
        _ => false,
    };
    if is_fit { Ok(value.clone()) } else { Err(invalid(attribute)) }
}

/// The sub-attributes that an object assigns, under their canonical names; null unassigns one.
pub(super) fn object(attribute: &'static Attribute, value: &Value) -> Result<Map<String, Value>, ExpectedError> {
    let parts = value.as_object().ok_or_else(|| invalid(attribute))?;
    let assign = |(name, value): (&String, &Value)| {
        // "Did not conform to the request schema" or "not compatible with the […] resource schema" (Table 9).
        let unknown = || ExpectedError::new("invalidSyntax|invalidValue", format!("{} has no {name}", attribute.name));
        let part = attribute.part(name).ok_or_else(unknown)?;
        if part.mutability == Mutability::ReadOnly {
            check_mutability(part)?;
        }
        let value = match (part.is_complex(), value) {
            (true, Value::Null) => Value::Null,
            (true, value) => Value::Object(object(part, value)?),
            (false, value) => simple(part, value)?,
        };
        Ok((part.name.to_owned(), value))
    };
    parts.iter().map(assign).collect()
}

/// One value of a multi-valued attribute. Choice: an element without any sub-attribute is refused.
pub(super) fn element(attribute: &'static Attribute, value: &Value) -> Result<Value, ExpectedError> {
    let mut parts = object(attribute, value)?;
    parts.retain(|_, value| !value.is_null());
    if parts.is_empty() { Err(invalid(attribute)) } else { Ok(Value::Object(parts)) }
}

/// The values of a multi-valued attribute; null and an empty array are none (RFC 7643 §2.5). `primary` is true no
/// more than once (§2.4).
pub(super) fn elements(attribute: &'static Attribute, value: &Value) -> Result<Vec<Value>, ExpectedError> {
    let values = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values.iter().map(|value| element(attribute, value)).collect::<Result<Vec<_>, _>>()?,
        _ => return Err(invalid(attribute)),
    };
    let primaries = values.iter().filter(|value| value["primary"] == true).count();
    if primaries > 1 { Err(invalid(attribute)) } else { Ok(values) }
}

pub(super) fn invalid(attribute: &Attribute) -> ExpectedError {
    ExpectedError::new("invalidValue", format!("the value does not fit {}", attribute.name))
}

/// RFC 7643 §2.3.7: a URI, which has none of these characters (RFC 3986 §2).
fn is_uri(text: &str) -> bool {
    text.is_ascii() && !text.contains([' ', '"', '\\', '<', '>', '^', '`', '{', '|', '}'])
}

/// RFC 7643 §2.3.6: base64 of RFC 4648 §4, and the padding may be missing.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !digits.is_empty()
        && digits.bytes().all(is_digit)
        && digits.len() % 4 != 1
        && (padding == 0 || text.len().is_multiple_of(4) && padding < 3)
}
