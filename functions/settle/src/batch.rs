//! What Lambda hands over of a DynamoDB stream, and what it wants to hear: of a batch, what is to be sent again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Records of one shard, in their order. The template's filter lets none pass but those of changes.
#[derive(Debug, Deserialize)]
pub struct Batch {
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
    /// An item in DynamoDB's JSON.
    pub(crate) new_image: Map<String, Value>,
}

/// The answer to a batch.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl Outcome {
    /// This record and those after it are to be sent again.
    pub(crate) fn again_from(sequence_number: String) -> Self {
        Self { batch_item_failures: vec![Failed { item_identifier: sequence_number }] }
    }
}
