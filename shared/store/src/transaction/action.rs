//! One action of a transaction: its request, the meaning of a failed condition, and its size.

use aws_sdk_dynamodb::types::{Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use schema::ResourceId;
use serde::Serialize;

use crate::attributes::{Item, number};
use crate::error::build_error;
use crate::expression::{names, placeholders};
use crate::item;
use crate::item_size::item_size;
use crate::key::Key;
use crate::{Error, format};

/// The meaning of an action's condition that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConditionFailure {
    /// The resource does not exist, or has another version.
    ResourceChanged,
    /// The name belongs to another resource.
    NameTaken,
    /// The name that a change frees belongs to another resource.
    OldNameLost,
    /// The member whose edge is added or removed does not exist.
    MemberMissing(ResourceId),
    /// The edge is no longer as the caller read it.
    EdgeChanged,
    /// Another caller has done the same work.
    AlreadyApplied,
    /// The action has no condition, or a condition that cannot fail as long as the resource has the expected version.
    Unexpected,
}

pub(crate) const ADD_TO_COUNT: &str = "ADD #total :by SET #format = if_not_exists(#format, :format)";

pub(crate) struct WriteAction {
    pub(crate) on_failure: ConditionFailure,
    pub(crate) request: TransactWriteItem,
    /// The size that DynamoDB counts against its limits, or more.
    pub(crate) bytes: usize,
}

pub(crate) fn put(
    table: &str,
    key: &Key,
    body: &impl Serialize,
    condition: Option<&str>,
    on_failure: ConditionFailure,
) -> Result<WriteAction, Error> {
    let item = item::with_key(key, body)?;
    let bytes = item_size(&item);
    let put =
        Put::builder().table_name(table).set_item(Some(item)).set_condition_expression(condition.map(str::to_owned));
    let request = TransactWriteItem::builder().put(put.build().map_err(build_error)?).build();
    Ok(WriteAction { on_failure, request, bytes })
}

pub(crate) fn delete(
    table: &str,
    key: &Key,
    condition: Option<(&str, Item)>,
    on_failure: ConditionFailure,
) -> Result<WriteAction, Error> {
    let key = key.attributes();
    let bytes = item_size(&key);
    let mut delete = Delete::builder().table_name(table).set_key(Some(key));
    if let Some((expression, values)) = condition {
        delete = delete
            .condition_expression(expression)
            .set_expression_attribute_names(names(expression))
            .set_expression_attribute_values(placeholders(values))
            .set_return_values_on_condition_check_failure(return_old_item(&on_failure));
    }
    let request = TransactWriteItem::builder().delete(delete.build().map_err(build_error)?).build();
    Ok(WriteAction { on_failure, request, bytes })
}

/// An update action. It has no condition if the first update creates the item, as for a counter.
pub(crate) fn update(
    table: &str,
    key: &Key,
    expression: &str,
    condition: Option<&str>,
    values: Item,
    on_failure: ConditionFailure,
) -> Result<WriteAction, Error> {
    let key = key.attributes();
    let bytes = item_size(&key) + item_size(&values);
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key))
        .update_expression(expression)
        .set_condition_expression(condition.map(str::to_owned))
        .set_expression_attribute_names(names(&format!("{expression} {}", condition.unwrap_or_default())))
        .set_expression_attribute_values(placeholders(values))
        .set_return_values_on_condition_check_failure(return_old_item(&on_failure));
    let request = TransactWriteItem::builder().update(update.build().map_err(build_error)?).build();
    Ok(WriteAction { on_failure, request, bytes })
}

/// The action that adds to a counter, which it creates if there is none.
pub(crate) fn count(table: &str, key: &Key, by: impl ToString) -> Result<WriteAction, Error> {
    let values = Item::from([("by".to_owned(), number(by)), (format::ATTRIBUTE.to_owned(), format::value())]);
    update(table, key, ADD_TO_COUNT, None, values, ConditionFailure::Unexpected)
}

/// Requests the old item, whose existence distinguishes a stale version from a missing resource.
fn return_old_item(on_failure: &ConditionFailure) -> Option<ReturnValuesOnConditionCheckFailure> {
    (*on_failure == ConditionFailure::ResourceChanged).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
}
