//! Checking calls to DynamoDB as IAM does on AWS: by their actions and by the partition keys of their items. The
//! gateway of `cargo run` uses it so that a function that lacks a right in the template fails on a laptop, too.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{TransactWriteItem, WriteRequest};
use aws_smithy_runtime_api::client::interceptors::context::Input;

use crate::Directory;
use crate::attributes::Item;
use crate::key::PK;

/// One access that a call needs: an IAM action on a partition key. A transaction needs an access for each of its
/// actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IamAccess {
    /// The name of the action without its service, such as `PutItem`.
    pub action: &'static str,
    pub partition_key: String,
}

/// Decides whether an access is allowed. The error is that of the call.
pub type AccessCheck<E> = fn(&IamAccess) -> Result<(), E>;

impl Directory {
    /// The same directory, except that it sends a call on items only if `check` allows every access that the call
    /// needs.
    #[must_use]
    pub fn with_access_check<E: Into<BoxError> + 'static>(self, check: AccessCheck<E>) -> Self {
        let config = self.client.config().to_builder().interceptor(AccessChecker(check)).build();
        Self { client: Client::from_conf(config), ..self }
    }
}

struct AccessChecker<E>(AccessCheck<E>);

impl<E> fmt::Debug for AccessChecker<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessChecker")
    }
}

impl<E: Into<BoxError> + 'static> Intercept for AccessChecker<E> {
    fn name(&self) -> &'static str {
        "AccessChecker"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        required_access(context.input()).iter().try_for_each(self.0).map_err(E::into)
    }
}

fn required_access(input: &Input) -> BTreeSet<IamAccess> {
    let mut found = Vec::new();
    if let Some(input) = input.downcast_ref::<GetItemInput>() {
        found.push(("GetItem", key(input.key.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<QueryInput>() {
        found.push(("Query", key(input.expression_attribute_values.as_ref(), ":pk")));
    } else if input.downcast_ref::<ScanInput>().is_some() {
        // A scan has no partition key.
        found.push(("Scan", String::new()));
    } else if let Some(input) = input.downcast_ref::<PutItemInput>() {
        found.push(("PutItem", key(input.item.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<UpdateItemInput>() {
        found.push(("UpdateItem", key(input.key.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<BatchGetItemInput>() {
        let keys = values(input.request_items.as_ref()).flat_map(|table| &table.keys);
        found.extend(keys.map(|item| ("BatchGetItem", key(Some(item), PK))));
    } else if let Some(input) = input.downcast_ref::<BatchWriteItemInput>() {
        let writes = values(input.request_items.as_ref()).flatten();
        found.extend(writes.map(|write| ("BatchWriteItem", key(written_item(write), PK))));
    } else if let Some(input) = input.downcast_ref::<TransactGetItemsInput>() {
        let gets = input.transact_items.iter().flatten().filter_map(|item| item.get.as_ref());
        found.extend(gets.map(|get| ("GetItem", key(Some(&get.key), PK))));
    } else if let Some(input) = input.downcast_ref::<TransactWriteItemsInput>() {
        found.extend(input.transact_items.iter().flatten().flat_map(transaction_access));
    }
    found.into_iter().map(|(action, partition_key)| IamAccess { action, partition_key }).collect()
}

fn transaction_access(item: &TransactWriteItem) -> impl Iterator<Item = (&'static str, String)> {
    let actions = [
        ("PutItem", item.put.as_ref().map(|put| &put.item)),
        ("UpdateItem", item.update.as_ref().map(|update| &update.key)),
        ("DeleteItem", item.delete.as_ref().map(|delete| &delete.key)),
        ("ConditionCheckItem", item.condition_check.as_ref().map(|check| &check.key)),
    ];
    actions.into_iter().filter_map(|(action, item)| Some((action, key(Some(item?), PK))))
}

fn values<V>(tables: Option<&HashMap<String, V>>) -> impl Iterator<Item = &V> {
    tables.into_iter().flat_map(HashMap::values)
}

fn written_item(write: &WriteRequest) -> Option<&Item> {
    let put = write.put_request.as_ref().map(|put| &put.item);
    put.or_else(|| write.delete_request.as_ref().map(|delete| &delete.key))
}

/// The text of an attribute. Without the attribute it is empty, which no partition key is, so no rule allows it.
fn key(item: Option<&Item>, name: &str) -> String {
    item.and_then(|item| item.get(name)?.as_s().ok()).cloned().unwrap_or_default()
}
