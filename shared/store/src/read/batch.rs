//! Batch reads and writes: several batches at the same time, and unprocessed items sent again.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::attributes::Item;
use crate::error::{build_error, classify};
use crate::expression::names;
use crate::key::Key;
use crate::retry::RetryBudget;
use crate::{Directory, Error};

const KEYS_PER_READ: usize = 100;
const KEYS_PER_WRITE: usize = 25;
/// The number of batches of one read or write that are sent at the same time.
const MAX_CONCURRENT_BATCHES: usize = 8;
/// The number of batches of one read that may need the throughput of a partition for more than a moment.
const MANY_BATCHES: usize = 10;

/// DynamoDB's consistency of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// The read sees every write that was acknowledged before.
    Strong,
    /// The read may miss the writes of the last second. It costs half the units.
    Eventual,
}

impl Directory {
    /// Reads the items of `keys` that exist, in no particular order: only their `attributes`, if these are given.
    pub(crate) async fn read_batch(
        &self,
        keys: BTreeSet<Key>,
        attributes: Option<&str>,
        consistency: Consistency,
    ) -> Result<Vec<Item>, Error> {
        let is_strong = consistency == Consistency::Strong;
        let keys: Vec<Key> = keys.into_iter().collect();
        let chunks = keys.chunks(KEYS_PER_READ).map(|keys| {
            let keys = keys.iter().map(Key::attributes).collect();
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(is_strong);
            let request = request.set_expression_attribute_names(attributes.and_then(names));
            request.set_projection_expression(attributes.map(str::to_owned)).build().map_err(build_error)
        });
        let chunks: Vec<_> = chunks.collect::<Result<_, _>>()?;
        let retries = if chunks.len() > MANY_BATCHES { RetryBudget::of_bulk_call } else { RetryBudget::new };
        let reads: Vec<_> = chunks.into_iter().map(|chunk| self.read_chunk(chunk, retries)).collect();
        stream::iter(reads).buffer_unordered(MAX_CONCURRENT_BATCHES).try_concat().await
    }

    async fn read_chunk(&self, keys: KeysAndAttributes, new_retries: fn() -> RetryBudget) -> Result<Vec<Item>, Error> {
        let mut found = Vec::new();
        let mut retries = new_retries();
        let mut unprocessed = HashMap::from([(self.table.clone(), keys)]);
        loop {
            let response = self.client.batch_get_item().set_request_items(Some(unprocessed.clone())).send().await;
            let response = match response.map_err(|error| classify("BatchGetItem", &error)) {
                Err(Error::Throttled) if retries.wait().await => continue,
                response => response?,
            };
            let before = found.len();
            found.extend(response.responses.unwrap_or_default().into_values().flatten());
            unprocessed = response.unprocessed_keys.unwrap_or_default();
            if unprocessed.is_empty() {
                return Ok(found);
            }
            // A response holds at most 16 MB: keys that did not fit are read again at once, throttled keys after a
            // pause.
            if found.len() > before {
                retries = new_retries();
            } else if !retries.wait().await {
                return Err(Error::Throttled);
            }
        }
    }

    /// Deletes items, whether they exist or not.
    pub(crate) async fn delete_batch(&self, keys: BTreeSet<Key>) -> Result<(), Error> {
        let deletes = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build().map_err(build_error)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_batch(deletes.collect::<Result<_, Error>>()?).await
    }

    /// Puts and deletes items without conditions. No two of them may have the same key.
    pub(crate) async fn write_batch(&self, writes: Vec<WriteRequest>) -> Result<(), Error> {
        self.check_not_foreign()?;
        let writes: Vec<_> = writes.chunks(KEYS_PER_WRITE).map(|chunk| self.write_chunk(chunk.to_vec())).collect();
        stream::iter(writes).buffer_unordered(MAX_CONCURRENT_BATCHES).try_collect().await
    }

    async fn write_chunk(&self, writes: Vec<WriteRequest>) -> Result<(), Error> {
        let mut retries = RetryBudget::new();
        let mut unprocessed = HashMap::from([(self.table.clone(), writes)]);
        loop {
            let response = self.client.batch_write_item().set_request_items(Some(unprocessed.clone())).send().await;
            let response = match response.map_err(|error| classify("BatchWriteItem", &error)) {
                Err(Error::Throttled) if retries.wait().await => continue,
                response => response?,
            };
            let before: usize = unprocessed.values().map(Vec::len).sum();
            unprocessed = response.unprocessed_items.unwrap_or_default();
            if unprocessed.is_empty() {
                return Ok(());
            }
            if unprocessed.values().map(Vec::len).sum::<usize>() < before {
                retries = RetryBudget::new();
            }
            if !retries.wait().await {
                return Err(Error::Throttled);
            }
        }
    }
}
