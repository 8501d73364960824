//! Expressions: the conditions that several writes share, and the placeholders of names and values.
//!
//! In an expression, `#name` is the attribute `name` and `:name` is the value given under `name`, so that no
//! attribute can collide with DynamoDB's reserved words.

use std::collections::HashMap;

use crate::attributes::Item;

/// The item does not exist.
pub(crate) const ABSENT: &str = "attribute_not_exists(pk)";
/// The item exists.
pub(crate) const PRESENT: &str = "attribute_exists(pk)";
/// The group has the version that was read, and no pending change.
pub(crate) const UNCHANGED_AND_NOT_PENDING: &str = "#version = :expected AND attribute_not_exists(#pending)";

/// The attribute names that an expression uses, by their placeholders.
pub(crate) fn names(expression: &str) -> Option<HashMap<String, String>> {
    let words = expression.split('#').skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
    let names: HashMap<_, _> = words.map(|name| (format!("#{name}"), name.to_owned())).collect();
    (!names.is_empty()).then_some(names)
}

/// The values of an expression, by their placeholders.
pub(crate) fn placeholders(values: Item) -> Option<Item> {
    let values: Item = values.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
    (!values.is_empty()).then_some(values)
}
