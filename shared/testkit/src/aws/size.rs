//! The size of transactions.

use std::io;

use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use super::behaviour::Behaviour;
use super::call::Call;
use super::state::ProxyState;

/// DynamoDB's limit of the items of a transaction (DynamoDB quotas, "Transactions").
const TRANSACTION_BYTES: usize = 4 * 1024 * 1024;

impl ProxyState {
    /// Whether the items of a transaction have more than 4 MB. Each counts with its stored size and with the size of
    /// the values that the transaction puts or sets.
    pub(super) async fn is_too_large(&self, call: &Call, engine: &mut TcpStream) -> io::Result<bool> {
        if !self.has(Behaviour::TransactionSize) {
            return Ok(false);
        }
        let actions = call.actions();
        let mut keys = Map::new();
        for action in &actions {
            let table = action.key().table;
            let key = action.key_alone();
            let of_table = keys.entry(table).or_insert_with(|| json!({ "Keys": [], "ConsistentRead": true }));
            of_table["Keys"].as_array_mut().expect("a list").push(key);
        }
        let (status, found) = call.send("BatchGetItem", &json!({ "RequestItems": keys }), engine).await?;
        assert_eq!(status, 200, "{found}");
        // The response to a batch has at most 16 MB.
        let is_cut = found["UnprocessedKeys"].as_object().is_some_and(|unread| !unread.is_empty());
        let stored = found["Responses"].as_object().into_iter().flatten();
        let stored = stored.flat_map(|(_, items)| items.as_array().into_iter().flatten()).map(item_size);
        let sent = actions.iter().map(|action| item_size(action.sent()));
        let is_too_large = is_cut || stored.chain(sent).sum::<usize>() > TRANSACTION_BYTES;
        if is_too_large {
            self.note(Behaviour::TransactionSize);
        }
        Ok(is_too_large)
    }
}

/// The size of an item in DynamoDB's JSON, in bytes.
fn item_size(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let (kind, value) = value.as_object().and_then(|typed| typed.iter().next()).expect("a typed value");
    match (kind.as_str(), value) {
        ("L", Value::Array(list)) => list.iter().map(|value| value_size(value) + 1).sum::<usize>() + 3,
        ("M", map) => item_size(map) + 3,
        ("B", Value::String(text)) => text.len() / 4 * 3,
        (_, Value::String(text)) => text.len(),
        _ => 1,
    }
}
