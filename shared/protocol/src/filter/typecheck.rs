//! Which operators and literals an attribute can be compared by (RFC 7644 §3.4.2.2, RFC 7643 §2.3).

use schema::{Attribute, DataType};
use serde_json::{Number, Value};

use super::{Comparison, Filter, Operand, Operator};
use crate::compare::comparison_key;
use crate::path::AttributePath;

/// Fits a literal and an operator to the type of the attribute.
pub(super) fn fit(path: AttributePath, operator: Operator, literal: &Value) -> Result<Filter, String> {
    let attribute = path.leaf();
    let kind = attribute.data_type;
    if literal.is_null() {
        return match operator {
            Operator::Eq => Ok(Filter::Not(Box::new(Filter::Present(path)))),
            Operator::Ne => Ok(Filter::Present(path)),
            _ => Err(format!("`{}` cannot be asked of null", operator.name())),
        };
    }
    let refused = match kind {
        DataType::Boolean => operator.is_order() || operator.is_substring(),
        DataType::Binary => operator.is_order(),
        DataType::Integer | DataType::Decimal => operator.is_substring(),
        _ => false,
    };
    if refused {
        return Err(format!("`{}` cannot be asked of `{path}`, which is of type {kind:?}", operator.name()));
    }
    let operand = operand(attribute, operator, literal);
    let operand = operand.ok_or_else(|| format!("the value is not of `{path}`'s type, {kind:?}"))?;
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
            Some(Operand::Text { written: text.clone(), prepared: comparison_key(attribute, text) })
        }
        _ => None,
    }
}

/// Whether a word without quotes is taken after `eq`: Entra has `externalId eq jyoung` in its documentation, PingOne and
/// authentik write what they look people and groups up by so. `holder` is the attribute whose elements are filtered.
///
/// A word with quotes of another kind was meant to be quoted: as it stands, it would be looked for in vain.
pub(super) fn takes_word(holder: Option<&Attribute>, path: AttributePath, word: &str) -> bool {
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
