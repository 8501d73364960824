//! The size of items, which DynamoDB limits.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::attributes::Item;

/// The size of an item in bytes, which DynamoDB limits. It is never less than what DynamoDB computes.
pub(crate) fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len() + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len() + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| value_size(value) + 1).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, value)| name.len() + value_size(value) + 1).sum::<usize>(),
        _ => 1,
    }
}
