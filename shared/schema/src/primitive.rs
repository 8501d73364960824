//! Reads primitive values by their type (RFC 7643 §2.3.1 to §2.3.7).

use fluent_uri::UriRef;
use serde_json::Value;

use crate::violation::mismatch;
use crate::{DataType, Dialect, Leniency, Violation};

/// Reads the value of an attribute that is not complex.
pub(crate) fn read_primitive(
    data_type: DataType,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Value, Violation> {
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

fn read_boolean(path: &str, value: &Value, dialect: &Dialect) -> Result<Value, Violation> {
    let parsed = match value {
        Value::Bool(value) => return Ok(Value::Bool(*value)),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    let parsed = parsed.ok_or_else(|| mismatch(path, "a boolean", value))?;
    dialect.tolerate(Leniency::StringBooleans, path)?;
    Ok(Value::Bool(parsed))
}

/// Whether a value is a URI, absolute or relative (RFC 7643 §2.3.7, RFC 3986 §4.1), or a text that the dialect accepts
/// for one.
fn is_reference(path: &str, value: &Value, dialect: &Dialect) -> Result<bool, Violation> {
    let Some(text) = value.as_str() else { return Ok(false) };
    if UriRef::parse(text).is_err() {
        dialect.tolerate(Leniency::TextReferences, path)?;
    }
    Ok(true)
}

fn is_date_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| date_time(text).is_some())
}

/// Parses a dateTime (RFC 7643 §2.3.5, xsd:dateTime) of the years 0 to 9999. A dateTime without an offset is in UTC.
/// `24:00:00` is the first moment of the next day.
pub fn date_time(text: &str) -> Option<jiff::Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let (clock, offset) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let (time, fraction) = clock.split_once('.').map_or((clock, None), |(time, fraction)| (time, Some(fraction)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_form = has_form(date, "0000-00-00") && has_form(time, "00:00:00") && fraction.is_none_or(is_digits);
    if !has_form || !is_offset(offset) {
        return None;
    }
    let offset = if offset.is_empty() { "Z" } else { offset };
    if let Some(minutes) = time.strip_prefix("24") {
        let is_midnight =
            minutes == ":00:00" && fraction.is_none_or(|digits| digits.bytes().all(|digit| digit == b'0'));
        let midnight = format!("{date}T00:00:00{offset}").parse::<jiff::Timestamp>().ok().filter(|_| is_midnight)?;
        return midnight.checked_add(jiff::SignedDuration::from_hours(24)).ok();
    }
    format!("{date}T{clock}{offset}").parse().ok()
}

/// Whether a text has digits where a form has `0`, and otherwise the same characters.
fn has_form(text: &str, form: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

/// Whether a text is empty, `Z`, or an offset of at most 14 hours (XML Schema Part 2 §3.2.7.3).
fn is_offset(text: &str) -> bool {
    let is_in_range =
        text.get(1..).is_some_and(|offset| offset <= "14:00" && offset.get(3..).is_some_and(|it| it < "60"));
    text.is_empty() || text == "Z" || ((has_form(text, "+00:00") || has_form(text, "-00:00")) && is_in_range)
}

/// Whether a value is base64 (RFC 7643 §2.3.6, RFC 4648 §4). The padding may be missing, but not in part.
fn is_base64(path: &str, value: &Value, dialect: &Dialect) -> Result<bool, Violation> {
    let Some(text) = value.as_str() else { return Ok(false) };
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let is_padded = body.len() % 4 != 1 && (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)));
    if !is_padded || !body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)) {
        return Ok(false);
    }
    if body.contains(['-', '_']) {
        dialect.tolerate(Leniency::UrlSafeBase64, path)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn date_time_has_the_form_of_xml_schema() {
        for (text, expect) in [
            ("2008-01-23T04:56:22Z", Some("2008-01-23T04:56:22Z")),
            ("2008-01-23T04:56:22", Some("2008-01-23T04:56:22Z")),
            ("2008-01-23T04:56:22.5+02:00", Some("2008-01-23T02:56:22.5Z")),
            ("2008-01-23T04:56:22-14:00", Some("2008-01-23T18:56:22Z")),
            ("2008-12-31T24:00:00Z", Some("2009-01-01T00:00:00Z")),
            ("2008-12-31T24:00:00.00+01:00", Some("2008-12-31T23:00:00Z")),
            ("2008-12-31T24:00:01Z", None),
            ("2008-12-31T24:00:00.1Z", None),
            ("2008-01-23T00Z", None),
            ("2008-01-23T04:56Z", None),
            ("2008-01-23T04:56:22,5Z", None),
            ("2008-01-23T04:56:22.Z", None),
            ("2008-01-23T04:56:22+25:00", None),
            ("2008-01-23T04:56:22+14:01", None),
            ("2008-01-23T04:56:22+01:60", None),
            ("2008-01-23T04:56:22+0100", None),
            ("2008-01-23T04:56:22z", None),
            ("2008-01-23t04:56:22Z", None),
            ("2008-01-23 04:56:22Z", None),
            ("2008-02-30T04:56:22Z", None),
            ("2008-01-23T25:00:00Z", None),
            ("20080123T045622Z", None),
            ("2008-01-23T04:56:22Z[UTC]", None),
            ("", None),
        ] {
            let parsed = date_time(text).map(|instant| instant.to_string());
            assert_eq!(parsed.as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn base64_is_padded_in_whole_or_not_at_all() {
        for (text, expect) in [
            ("YQ==", true),
            ("YQ", true),
            ("YWI=", true),
            ("YWJj", true),
            ("", true),
            ("YQ=", false),
            ("YWI==", false),
            ("YWJj=", false),
            ("Y", false),
            ("Y===", false),
            ("Y Q=", false),
        ] {
            let read = read_primitive(DataType::Binary, "x", &json!(text), &Dialect::strict());
            assert_eq!(read.is_ok(), expect, "{text}");
        }
    }
}
