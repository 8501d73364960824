//! Type checks: which operators and literals an attribute can be compared with (RFC 7644 §3.4.2.2, RFC 7643 §2.3).

use schema::{Attribute, DataType};
use serde_json::{Number, Value};

use super::{Comparison, Filter, Operand, Operator};
use crate::compare::comparison_key;
use crate::path::AttributePath;

/// Builds a comparison, or returns the reason why the operator or the literal does not fit the type of the
/// attribute.
pub(super) fn typecheck(path: AttributePath, operator: Operator, literal: &Value) -> Result<Filter, String> {
    let attribute = path.leaf();
    let kind = attribute.data_type;
    if literal.is_null() {
        return match operator {
            Operator::Eq => Ok(Filter::Not(Box::new(Filter::Present(path)))),
            Operator::Ne => Ok(Filter::Present(path)),
            _ => Err(format!("`{}` cannot compare with null", operator.name())),
        };
    }
    let is_refused = match kind {
        DataType::Boolean => operator.is_order() || operator.is_substring(),
        DataType::Binary => operator.is_order(),
        DataType::Integer | DataType::Decimal => operator.is_substring(),
        _ => false,
    };
    if is_refused {
        return Err(format!("`{}` cannot compare `{path}`, which is of type {}", operator.name(), kind.name()));
    }
    let operand = operand(attribute, operator, literal);
    let operand =
        operand.ok_or_else(|| format!("`{path}` is of type {}; compare it with a value of this type", kind.name()))?;
    Ok(Filter::Compare(Comparison { path, operator, operand }))
}

fn operand(attribute: &Attribute, operator: Operator, literal: &Value) -> Option<Operand> {
    match (attribute.data_type, literal) {
        (DataType::Boolean, Value::Bool(value)) => Some(Operand::Boolean(*value)),
        (DataType::Boolean, Value::String(text)) => text.to_ascii_lowercase().parse().ok().map(Operand::Boolean),
        (DataType::Integer | DataType::Decimal, Value::Number(number)) => Some(Operand::Number(Number::clone(number))),
        (DataType::DateTime, Value::String(text)) => {
            let instant = match schema::date_time(text) {
                Some(instant) => instant,
                None if operator.is_substring() => jiff::Timestamp::UNIX_EPOCH,
                None => return None,
            };
            Some(Operand::DateTime { written: text.clone(), instant })
        }
        (DataType::String | DataType::Reference | DataType::Binary, Value::String(text)) => {
            Some(Operand::Text { written: text.clone(), comparison_key: comparison_key(attribute, text).into_owned() })
        }
        _ => None,
    }
}

/// Whether `eq` accepts a word without quotes. Entra ID has `externalId eq jyoung` in its documentation, and
/// PingOne and authentik look up users and groups this way. `holder` is the attribute whose elements are filtered.
///
/// A word in other quotation marks is rejected: its author meant a quoted string, and the unquoted word would match
/// nothing.
pub(super) fn accepts_unquoted(holder: Option<&Attribute>, path: AttributePath, word: &str) -> bool {
    if word.contains(['\'', '`', '´', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}', '«', '»']) {
        return false;
    }
    let name = path.attribute.name.as_str();
    match (holder.map(|holder| holder.name.as_str()), path.sub.map(|sub| sub.name.as_str())) {
        _ if path.extension.is_some() => false,
        (None, None) => matches!(name, "id" | "externalId" | "userName" | "displayName"),
        (None, Some("value")) => matches!(name, "emails" | "members"),
        (Some("emails" | "members"), None) => name == "value",
        _ => false,
    }
}

/// Whether a path is `meta.resourceType`.
pub(super) fn is_resource_type(path: AttributePath) -> bool {
    path.extension.is_none() && path.attribute.name == "meta" && path.sub.is_some_and(|sub| sub.name == "resourceType")
}
