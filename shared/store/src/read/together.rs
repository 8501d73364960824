//! Reads of several items as they are at one moment.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Get, TransactGetItem};

use crate::attributes::Item;
use crate::error::{build_error, classify};
use crate::key::Key;
use crate::retry::RetryBudget;
use crate::transaction::transact::retryable_reason;
use crate::{Directory, Error};

/// DynamoDB's limit of items in one transaction.
pub(crate) const KEYS_PER_TRANSACTION: usize = 100;

impl Directory {
    /// Reads an item while no transaction is writing it. It says nothing about the other items of the transaction that
    /// wrote it.
    pub(crate) async fn read_isolated(&self, key: &Key) -> Result<Option<Item>, Error> {
        Ok(self.read_together(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// Reads the items of at most [`KEYS_PER_TRANSACTION`] keys, in the same order, by one transaction. Other reads may
    /// see one item of a transaction that writes and not yet another; this one sees all of it or nothing. It costs
    /// twice the units.
    pub(crate) async fn read_together(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, Error> {
        let gets = keys.iter().map(|key| {
            let get = Get::builder().table_name(&self.table).set_key(Some(key.attributes()));
            Ok(TransactGetItem::builder().get(get.build().map_err(build_error)?).build())
        });
        let gets: Vec<TransactGetItem> = gets.collect::<Result<_, Error>>()?;
        let mut retries = RetryBudget::new();
        loop {
            let response = self.client.transact_get_items().set_transact_items(Some(gets.clone())).send().await;
            let error = match response {
                Ok(found) => return Ok(found.responses.unwrap_or_default().into_iter().map(|one| one.item).collect()),
                Err(error) => meaning(&error),
            };
            if !matches!(error, Error::Contended | Error::Throttled) || !retries.wait().await {
                return Err(error);
            }
        }
    }
}

/// Converts the error of a failed read.
fn meaning(error: &SdkError<TransactGetItemsError, HttpResponse>) -> Error {
    if let SdkError::ServiceError(response) = error
        && let TransactGetItemsError::TransactionCanceledException(cancelled) = response.err()
    {
        let mut codes = cancelled.cancellation_reasons().iter().filter_map(CancellationReason::code);
        let passing = codes.clone().find_map(retryable_reason);
        let code = codes.find(|code| *code != "None").unwrap_or("no reason");
        return passing.unwrap_or_else(|| Error::Refused(format!("TransactGetItems: {code}")));
    }
    classify("TransactGetItems", error)
}
