//! What a call of DynamoDB needs of IAM: its actions, and the partition keys of its items.

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
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{TransactWriteItem, WriteRequest};
use aws_smithy_runtime_api::client::interceptors::context::Input;

use crate::Directory;
use crate::item::Item;
use crate::key::PK;

/// An action, as IAM calls it, on a partition key. A transaction needs the actions of its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IamAccess {
    /// `PutItem`.
    pub action: &'static str,
    pub partition_key: String,
}

/// Says whether a call may be made; a sentence if not.
pub type AccessCheck = fn(&IamAccess) -> Result<(), String>;

impl Directory {
    /// The same directory, but each call of it on items is made only if the guard allows all its uses; for gateways that check what
    /// IAM checks on AWS.
    #[must_use]
    pub fn with_access_check(self, guard: AccessCheck) -> Self {
        let config = self.client.config().to_builder().interceptor(AccessChecked(guard)).build();
        Self { client: Client::from_conf(config), ..self }
    }
}

struct AccessChecked(AccessCheck);

impl fmt::Debug for AccessChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded")
    }
}

impl Intercept for AccessChecked {
    fn name(&self) -> &'static str {
        "Guarded"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        uses(context.input()).iter().try_for_each(self.0).map_err(BoxError::from)
    }
}

fn uses(input: &Input) -> BTreeSet<IamAccess> {
    let mut found = Vec::new();
    if let Some(input) = input.downcast_ref::<GetItemInput>() {
        found.push(("GetItem", key(input.key.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<QueryInput>() {
        found.push(("Query", key(input.expression_attribute_values.as_ref(), ":pk")));
    } else if let Some(input) = input.downcast_ref::<PutItemInput>() {
        found.push(("PutItem", key(input.item.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<UpdateItemInput>() {
        found.push(("UpdateItem", key(input.key.as_ref(), PK)));
    } else if let Some(input) = input.downcast_ref::<BatchGetItemInput>() {
        let keys = values(input.request_items.as_ref()).flat_map(|table| &table.keys);
        found.extend(keys.map(|item| ("BatchGetItem", key(Some(item), PK))));
    } else if let Some(input) = input.downcast_ref::<BatchWriteItemInput>() {
        let writes = values(input.request_items.as_ref()).flatten();
        found.extend(writes.map(|write| ("BatchWriteItem", key(written(write), PK))));
    } else if let Some(input) = input.downcast_ref::<TransactWriteItemsInput>() {
        found.extend(input.transact_items.iter().flatten().flat_map(parts));
    }
    found.into_iter().map(|(action, partition_key)| IamAccess { action, partition_key }).collect()
}

fn parts(item: &TransactWriteItem) -> impl Iterator<Item = (&'static str, String)> {
    let parts = [
        ("PutItem", item.put.as_ref().map(|put| &put.item)),
        ("UpdateItem", item.update.as_ref().map(|update| &update.key)),
        ("DeleteItem", item.delete.as_ref().map(|delete| &delete.key)),
        ("ConditionCheckItem", item.condition_check.as_ref().map(|check| &check.key)),
    ];
    parts.into_iter().filter_map(|(action, item)| Some((action, key(Some(item?), PK))))
}

fn values<V>(tables: Option<&HashMap<String, V>>) -> impl Iterator<Item = &V> {
    tables.into_iter().flat_map(HashMap::values)
}

fn written(write: &WriteRequest) -> Option<&Item> {
    let put = write.put_request.as_ref().map(|put| &put.item);
    put.or_else(|| write.delete_request.as_ref().map(|delete| &delete.key))
}

/// The text under a name; no key of ours is empty, so nothing allows what has none.
fn key(item: Option<&Item>, name: &str) -> String {
    item.and_then(|item| item.get(name)?.as_s().ok()).cloned().unwrap_or_default()
}
