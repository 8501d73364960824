//! The proxy: its start, its counts, and snapshots of a table.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::behaviour::Behaviour;
use super::state::{Clock, ProxyState};
use crate::call::{call_engine, scan};
use crate::wire::{address, listen};

/// A proxy that behaves as AWS does.
#[derive(Debug, Clone)]
pub struct AwsProxy {
    state: Arc<ProxyState>,
}

impl AwsProxy {
    /// Starts a proxy in front of this engine, for the rest of the process.
    pub fn before(engine: &str, behaviours: &[Behaviour], seed: u64) -> Self {
        Self::with_speed(engine, behaviours, seed, 1.0)
    }

    /// Starts a proxy whose time runs `speed` times as fast as the real one: partitions have as many times their
    /// throughput, and pauses are as many times shorter.
    pub fn with_speed(engine: &str, behaviours: &[Behaviour], seed: u64, speed: f64) -> Self {
        let engine = address(engine);
        let behaviours = behaviours.iter().copied().collect();
        let state = move |url| ProxyState {
            url,
            engine,
            behaviours,
            random: Mutex::new(Rng::with_seed(seed)),
            buckets: Mutex::default(),
            locked: Mutex::default(),
            tokens: Mutex::default(),
            moment: RwLock::default(),
            clock: Clock { started: Instant::now(), speed },
            counts: Behaviour::ALL.map(|behaviour| (behaviour, AtomicU64::default())).into(),
        };
        Self { state: listen(state, ProxyState::serve) }
    }

    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// How often the proxy has shown a behaviour.
    pub fn count(&self, behaviour: Behaviour) -> u64 {
        self.state.counts[&behaviour].load(Ordering::SeqCst)
    }

    /// Copies a table as it is at a moment, which can be in the middle of transactions, into a new table, as a restore
    /// of a table to a point in time does. `key` is the id of the access key that the engine accepts.
    pub fn snapshot(&self, key: &str, table: &str, copy: &str) {
        let engine = format!("http://{}", self.state.engine);
        let call = |operation: &str, request: &Value| {
            let response = call_engine(&engine, key, operation, request);
            assert!(response.get("__type").is_none(), "{operation}: {response}");
            response
        };
        let description = call("DescribeTable", &json!({ "TableName": table }))["Table"].clone();
        call(
            "CreateTable",
            &json!({
                "TableName": copy, "KeySchema": description["KeySchema"],
                "AttributeDefinitions": description["AttributeDefinitions"], "BillingMode": "PAY_PER_REQUEST",
            }),
        );
        let items = {
            let _moment = self.state.moment.blocking_write();
            scan(&call, table)
        };
        for items in items.chunks(25) {
            let puts: Value = items.iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
            let response = call("BatchWriteItem", &json!({ "RequestItems": { copy: puts } }));
            assert_eq!(response["UnprocessedItems"], json!({}));
        }
    }
}
