//! A proxy in front of an engine that behaves as DynamoDB does on AWS where engines on one machine do not.
//!
//! On AWS, a partition has a throughput, the items of a transaction become visible one after the other, concurrent
//! transactions conflict, a repeated call can be carried out late, and a response can end after its head. Each of these
//! [behaviours](Behaviour) can be had alone. All random choices come from one seed.

mod batch;
mod call;
mod serve;
mod size;
#[cfg(test)]
mod tests;
mod throughput;
mod transaction;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use self::call::ItemKey;
use self::throughput::Buckets;
use crate::engine::call_engine;
use crate::wire::{address, listen};

/// What DynamoDB does on AWS, and engines on one machine do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Each partition key has the throughput of one partition, and calls beyond it are throttled.
    Throughput,
    /// The items of a transaction become visible one after the other, in any order.
    TornTransactions,
    /// Writes of an item that a transaction holds conflict with it; some transactions conflict with nothing that this
    /// client can see.
    Conflicts,
    /// A write without a condition is carried out once more, some time after its response.
    LateDuplicates,
    /// A response ends in the middle of its body.
    CutResponses,
    /// A transaction is refused if its items have more than 4 MB, as they are stored and as they are sent.
    TransactionSize,
}

impl Behaviour {
    pub const ALL: [Self; 6] = [
        Self::Throughput,
        Self::TornTransactions,
        Self::Conflicts,
        Self::LateDuplicates,
        Self::CutResponses,
        Self::TransactionSize,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::TornTransactions => "torn-transactions",
            Self::Conflicts => "conflicts",
            Self::LateDuplicates => "late-duplicates",
            Self::CutResponses => "cut-responses",
            Self::TransactionSize => "transaction-size",
        }
    }

    /// The behaviours in a list of names, such as `throughput,conflicts`; `all` names all of them.
    pub fn parse(names: &str) -> Vec<Self> {
        if names == "all" {
            return Self::ALL.to_vec();
        }
        let find = |name: &str| Self::ALL.into_iter().find(|behaviour| behaviour.name() == name);
        names
            .split(',')
            .map(|name| find(name).unwrap_or_else(|| panic!("no behaviour has the name {name:?}")))
            .collect()
    }
}

/// A proxy that behaves as AWS does.
#[derive(Debug, Clone)]
pub struct AwsProxy {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    engine: String,
    behaviours: HashSet<Behaviour>,
    random: Mutex<Rng>,
    buckets: Mutex<Buckets>,
    /// The items that a call is writing.
    locked: Mutex<HashSet<ItemKey>>,
    /// The client request tokens of transactions.
    tokens: Mutex<HashMap<String, Transaction>>,
    /// A write of one item holds it for reading. Whoever holds it for writing sees a moment between two writes.
    moment: RwLock<()>,
    clock: Clock,
    counts: HashMap<Behaviour, AtomicU64>,
}

/// What is known of a transaction by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    InProgress,
    Committed,
}

/// A clock that runs faster than the real one.
#[derive(Debug)]
struct Clock {
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Virtual seconds since the start.
    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * self.speed
    }

    /// Waits for virtual seconds.
    async fn sleep(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds / self.speed)).await;
    }
}

impl AwsProxy {
    /// Starts a proxy in front of this engine, for the rest of the process.
    pub fn before(engine: &str, behaviours: &[Behaviour], seed: u64) -> Self {
        Self::with_speed(engine, behaviours, seed, 1.0)
    }

    /// Starts a proxy whose time runs `speed` times as fast as the real one: partitions have as many times their
    /// throughput, and pauses are as many times shorter.
    pub fn with_speed(engine: &str, behaviours: &[Behaviour], seed: u64, speed: f64) -> Self {
        let (engine, behaviours) = (address(engine), behaviours.iter().copied().collect());
        let shared = move |url| Shared {
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
        Self { shared: listen(shared, Shared::serve) }
    }

    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// How often the proxy has shown a behaviour.
    pub fn count(&self, behaviour: Behaviour) -> u64 {
        self.shared.counts[&behaviour].load(Ordering::SeqCst)
    }

    /// Copies a table as it is at a moment, which can be in the middle of transactions, into a new table, as a restore
    /// of a table to a point in time does. `key` is the id of the access key that the engine accepts.
    pub fn snapshot(&self, key: &str, table: &str, copy: &str) {
        let engine = format!("http://{}", self.shared.engine);
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
            let _moment = self.shared.moment.blocking_write();
            scan(&call, table)
        };
        for items in items.chunks(25) {
            let puts: Value = items.iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
            let response = call("BatchWriteItem", &json!({ "RequestItems": { copy: puts } }));
            assert_eq!(response["UnprocessedItems"], json!({}));
        }
    }
}

/// All items of a table.
pub(crate) fn scan(call: &impl Fn(&str, &Value) -> Value, table: &str) -> Vec<Value> {
    let mut request = json!({ "TableName": table, "ConsistentRead": true });
    let mut items = Vec::new();
    loop {
        let page = call("Scan", &request);
        items.extend(page["Items"].as_array().expect("items").iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            return items;
        }
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

impl Shared {
    fn has(&self, behaviour: Behaviour) -> bool {
        self.behaviours.contains(&behaviour)
    }

    /// Whether a behaviour shows now; it does in one of `one_in` cases.
    fn shows(&self, behaviour: Behaviour, one_in: u32) -> bool {
        let shows = self.has(behaviour) && self.random.lock().unwrap().u32(0..one_in) == 0;
        if shows {
            self.note(behaviour);
        }
        shows
    }

    /// Counts that the proxy has shown a behaviour.
    fn note(&self, behaviour: Behaviour) {
        self.counts[&behaviour].fetch_add(1, Ordering::SeqCst);
    }
}
