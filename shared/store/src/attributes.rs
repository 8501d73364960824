//! The attributes of an item, as the SDK represents them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The attributes of an item, or a part of them, by their names.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
