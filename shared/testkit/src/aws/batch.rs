//! Batches, of which DynamoDB leaves those requests unprocessed for which a partition has no throughput left.

use std::io;

use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use super::behaviour::Behaviour;
use super::call::{Call, consumed, error, request_key, requested};
use super::state::ProxyState;
use crate::wire::Message;

impl ProxyState {
    /// Carries out a batch, without the requests whose partitions have no throughput left.
    pub(super) async fn batch(&self, call: &Call, engine: &mut TcpStream) -> io::Result<Message> {
        let is_exhausted = |table: &str, request: &Value| {
            let key = request_key(table, request);
            self.is_exhausted(&(key.table, key.partition), call.is_write())
        };
        let unprocessed = part(&call.body, is_exhausted);
        if unprocessed.is_empty() {
            let response = crate::wire::forward(&call.message, engine).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.consume(call, &response);
            return Ok(response);
        }
        self.note(Behaviour::Throughput);
        let processed = part(&call.body, |table, request| !is_exhausted(table, request));
        if processed.is_empty() {
            return Ok(Message::response(400, &error("ProvisionedThroughputExceededException")));
        }
        let mut body = call.body.clone();
        body["RequestItems"] = processed.into();
        let (status, mut response) = call.send(&call.operation, &body, engine).await?;
        let sent: Vec<_> = requested(&body).map(|(table, request)| request_key(table, request)).collect();
        for key in &sent {
            let share = consumed(&response).max(0.5) / sent.len() as f64;
            self.consume_units(&(key.table.clone(), key.partition.clone()), call.is_write(), share);
        }
        let name = if call.is_write() { "UnprocessedItems" } else { "UnprocessedKeys" };
        if status == 200 {
            response[name] = joined(response[name].take(), unprocessed);
        }
        Ok(Message::response(status, &response))
    }
}

/// The `RequestItems` of the requests that are chosen.
fn part(body: &Value, is_chosen: impl Fn(&str, &Value) -> bool) -> Map<String, Value> {
    let mut part = Map::new();
    for (table, requests) in body["RequestItems"].as_object().into_iter().flatten() {
        let list = requests.get("Keys").unwrap_or(requests).as_array().cloned().unwrap_or_default();
        let chosen: Vec<Value> = list.into_iter().filter(|request| is_chosen(table, request)).collect();
        if chosen.is_empty() {
            continue;
        }
        let chosen = match requests.get("Keys") {
            Some(_) => {
                let mut keys = requests.clone();
                keys["Keys"] = json!(chosen);
                keys
            }
            None => json!(chosen),
        };
        part.insert(table.clone(), chosen);
    }
    part
}

/// The requests that the engine left unprocessed, and more.
fn joined(left: Value, more: Map<String, Value>) -> Value {
    let mut joined = left.as_object().cloned().unwrap_or_default();
    for (table, mut requests) in more {
        if let Some(left) = joined.remove(&table) {
            let list = left.get("Keys").unwrap_or(&left).as_array().cloned().unwrap_or_default();
            let all = if requests.get("Keys").is_some() { &mut requests["Keys"] } else { &mut requests };
            all.as_array_mut().expect("a list of requests").extend(list);
        }
        joined.insert(table, requests);
    }
    joined.into()
}
