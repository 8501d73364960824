//! A batch of records of a DynamoDB stream, as Lambda delivers it, and the response that reports where to continue.

use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Records of one shard, in order. The template's filter passes only change records.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    #[serde(rename = "dynamodb")]
    pub(crate) change: StreamRecord,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamRecord {
    pub(crate) sequence_number: String,
    /// The key of the item.
    pub(crate) keys: Map<String, Value>,
    /// An item in DynamoDB's JSON.
    pub(crate) new_image: Map<String, Value>,
}

impl StreamRecord {
    /// An attribute of the item's key; empty if the stream does not name it.
    pub(crate) fn key(&self, name: &str) -> &str {
        self.keys.get(name).and_then(|value| value.get("S")).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The response after which Lambda delivers this record and those after it again.
pub(crate) fn retry_from(sequence_number: String) -> DynamoDbEventResponse {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(sequence_number);
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures.push(failure);
    response
}
