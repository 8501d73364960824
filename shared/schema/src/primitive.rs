//! Reads primitive values by their type (RFC 7643 §2.3.1 to §2.3.7).

use serde_json::Value;

use crate::invalid::mismatch;
use crate::{DataType, Dialect, Invalid, Leniency};

/// Reads the value of an attribute that is not complex.
pub(crate) fn read_primitive(
    data_type: DataType,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Value, Invalid> {
    let (fits, expected) = match data_type {
        DataType::Boolean => return read_boolean(path, value, dialect),
        DataType::Integer => (value.is_i64() || value.is_u64(), "an integer"),
        DataType::Decimal => (value.is_number(), "a number"),
        DataType::DateTime => (is_date_time(value), "a dateTime such as 2008-01-23T04:56:22Z"),
        DataType::Binary => (is_base64(path, value, dialect)?, "a base64 string"),
        DataType::Reference => (is_reference(path, value, dialect)?, "a string"),
        DataType::String | DataType::Complex => (value.is_string(), "a string"),
    };
    if fits { Ok(value.clone()) } else { Err(mismatch(path, expected, value)) }
}

fn read_boolean(path: &str, value: &Value, dialect: &Dialect) -> Result<Value, Invalid> {
    let parsed = match value {
        Value::Bool(value) => return Ok(Value::Bool(*value)),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    let parsed = parsed.ok_or_else(|| mismatch(path, "a boolean", value))?;
    dialect.tolerate(Leniency::StringBooleans, path)?;
    Ok(Value::Bool(parsed))
}

/// Whether a value is a URI, absolute or relative (RFC 7643 §2.3.7), or a text that the dialect accepts for one.
fn is_reference(path: &str, value: &Value, dialect: &Dialect) -> Result<bool, Invalid> {
    let Some(text) = value.as_str() else { return Ok(false) };
    if !is_uri_text(text) {
        dialect.tolerate(Leniency::TextReferences, path)?;
    }
    Ok(true)
}

/// Whether a text has only characters of a URI (RFC 3986 §2), and `%` only before two hexadecimal digits.
fn is_uri_text(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let mut encoded = text.split('%').skip(1).map(|rest| rest.as_bytes().get(..2));
    text.bytes().all(is_allowed) && encoded.all(|digits| digits.is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit)))
}

fn is_date_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| date_time(text).is_some())
}

/// Parses a dateTime (RFC 7643 §2.3.5, xsd:dateTime). A dateTime without an offset is in UTC.
pub fn date_time(text: &str) -> Option<jiff::Timestamp> {
    // jiff accepts more forms than xsd:dateTime allows.
    if text.get(10..11) != Some("T") || text.contains('[') {
        return None;
    }
    let zoned = text.parse::<jiff::Timestamp>().ok();
    zoned.or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::Offset::UTC.to_timestamp(civil).ok()
    })
}

/// Whether a value is base64 (RFC 7643 §2.3.6, RFC 4648 §4). The padding may be missing.
fn is_base64(path: &str, value: &Value, dialect: &Dialect) -> Result<bool, Invalid> {
    let Some(text) = value.as_str() else { return Ok(false) };
    let body = text.trim_end_matches('=');
    let padded = text.len() - body.len() <= 2 && body.len() % 4 != 1;
    if !padded || !body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)) {
        return Ok(false);
    }
    if body.contains(['-', '_']) {
        dialect.tolerate(Leniency::UrlSafeBase64, path)?;
    }
    Ok(true)
}
