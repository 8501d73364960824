//! One action of a transaction: its request, what its failed condition means, and its size.
//!
//! In expressions, `#name` stands for the attribute `name` and `:name` for the value given under `name`, so that no
//! attribute can collide with DynamoDB's reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use schema::ResourceId;
use serde::Serialize;

use crate::Error;
use crate::item::{self, Item};
use crate::key::Key;
use crate::table::unbuilt;

/// What it means when DynamoDB refuses this action's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The resource is gone, or has another version.
    Resource,
    /// The name is another's.
    Taken,
    /// Who should become a member, or should be one no longer, is not there.
    Member(ResourceId),
    /// The edge is no longer as the caller read it.
    Edge,
    /// The work is done already.
    Done,
    /// There is no condition, or one that cannot fail while the version holds.
    Invariant,
}

pub(crate) const ABSENT: &str = "attribute_not_exists(pk)";
pub(crate) const PRESENT: &str = "attribute_exists(pk)";

pub(crate) struct Action {
    pub(crate) meaning: Meaning,
    pub(crate) request: TransactWriteItem,
    /// What DynamoDB counts against its limits, at least.
    pub(crate) bytes: usize,
}

pub(crate) fn put(
    table: &str,
    key: &Key,
    body: &impl Serialize,
    condition: Option<&str>,
    meaning: Meaning,
) -> Result<Action, Error> {
    let item = item::with_key(key, body)?;
    let bytes = item::size(&item);
    let put =
        Put::builder().table_name(table).set_item(Some(item)).set_condition_expression(condition.map(str::to_owned));
    let request = TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build();
    Ok(Action { meaning, request, bytes })
}

pub(crate) fn delete(
    table: &str,
    key: &Key,
    condition: Option<(&str, Item)>,
    meaning: Meaning,
) -> Result<Action, Error> {
    let key = key.attributes();
    let bytes = item::size(&key);
    let mut delete = Delete::builder().table_name(table).set_key(Some(key));
    if let Some((expression, values)) = condition {
        delete = delete
            .condition_expression(expression)
            .set_expression_attribute_names(names(expression))
            .set_expression_attribute_values(placeholders(values))
            .set_return_values_on_condition_check_failure(old_item(&meaning));
    }
    let request = TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build();
    Ok(Action { meaning, request, bytes })
}

/// An update. Its condition is named apart because a count has none: the first one makes the item.
pub(crate) fn update(
    table: &str,
    key: &Key,
    expression: &str,
    condition: Option<&str>,
    values: Item,
    meaning: Meaning,
) -> Result<Action, Error> {
    let key = key.attributes();
    let bytes = item::size(&key) + item::size(&values);
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key))
        .update_expression(expression)
        .set_condition_expression(condition.map(str::to_owned))
        .set_expression_attribute_names(names(&format!("{expression} {}", condition.unwrap_or_default())))
        .set_expression_attribute_values(placeholders(values))
        .set_return_values_on_condition_check_failure(old_item(&meaning));
    let request = TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build();
    Ok(Action { meaning, request, bytes })
}

/// The attributes that an expression speaks of, by their placeholders.
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

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Whether the item is there at all tells a stale version from a missing resource.
fn old_item(meaning: &Meaning) -> Option<ReturnValuesOnConditionCheckFailure> {
    (*meaning == Meaning::Resource).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
}
