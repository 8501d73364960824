//! Many items in few calls: batches sent several at once, and what DynamoDB left over sent again.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::failure;
use crate::item::Item;
use crate::key::Key;
use crate::retry::RetryBudget;
use crate::table::unbuilt;
use crate::{Directory, Error};

const KEYS_PER_READ: usize = 100;
const KEYS_PER_WRITE: usize = 25;
/// How many batches are under way at once.
pub(crate) const MAX_CONCURRENT: usize = 8;

/// What a read has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// Every write that was answered.
    Strong,
    /// Those of the last second perhaps not, for half the units.
    Eventual,
}

impl Directory {
    /// Reads the items that exist of `keys`, in no order; `attributes` alone where they are given.
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
            request.set_projection_expression(attributes.map(str::to_owned)).build().map_err(unbuilt)
        });
        let chunks: Vec<_> = chunks.collect::<Result<_, _>>()?;
        let reads: Vec<_> = chunks.into_iter().map(|chunk| self.read_chunk(chunk)).collect();
        stream::iter(reads).buffer_unordered(MAX_CONCURRENT).try_concat().await
    }

    async fn read_chunk(&self, keys: KeysAndAttributes) -> Result<Vec<Item>, Error> {
        let mut found = Vec::new();
        let mut retries = RetryBudget::new();
        let mut left = HashMap::from([(self.table.clone(), keys)]);
        loop {
            let answer = self.client.batch_get_item().set_request_items(Some(left.clone())).send().await;
            let answer = match answer.map_err(|error| failure("BatchGetItem", &error)) {
                Err(Error::Throttled) if retries.wait().await => continue,
                answer => answer?,
            };
            let before = found.len();
            found.extend(answer.responses.unwrap_or_default().into_values().flatten());
            left = answer.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(found);
            }
            // An answer holds 16 MB: what did not fit is asked for at once, what was throttled after a pause.
            if found.len() > before {
                retries = RetryBudget::new();
            } else if !retries.wait().await {
                return Err(Error::Throttled);
            }
        }
    }

    /// Deletes items, whether they exist or not.
    pub(crate) async fn delete_batch(&self, keys: BTreeSet<Key>) -> Result<(), Error> {
        let deletes = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build().map_err(unbuilt)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_batch(deletes.collect::<Result<_, Error>>()?).await
    }

    /// Puts and deletes items, of which no two have the same key, whatever there is.
    pub(crate) async fn write_batch(&self, writes: Vec<WriteRequest>) -> Result<(), Error> {
        let writes: Vec<_> = writes.chunks(KEYS_PER_WRITE).map(|chunk| self.write_chunk(chunk.to_vec())).collect();
        stream::iter(writes).buffer_unordered(MAX_CONCURRENT).try_collect().await
    }

    async fn write_chunk(&self, writes: Vec<WriteRequest>) -> Result<(), Error> {
        let mut retries = RetryBudget::new();
        let mut left = HashMap::from([(self.table.clone(), writes)]);
        loop {
            let answer = self.client.batch_write_item().set_request_items(Some(left.clone())).send().await;
            let answer = match answer.map_err(|error| failure("BatchWriteItem", &error)) {
                Err(Error::Throttled) if retries.wait().await => continue,
                answer => answer?,
            };
            let before: usize = left.values().map(Vec::len).sum();
            left = answer.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            if left.values().map(Vec::len).sum::<usize>() < before {
                retries = RetryBudget::new();
            }
            if !retries.wait().await {
                return Err(Error::Throttled);
            }
        }
    }
}
