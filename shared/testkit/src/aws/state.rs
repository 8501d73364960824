//! The state of a proxy: the items and transactions of its calls, its clock, and the behaviours that it has shown.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::RwLock;

use super::behaviour::Behaviour;
use super::bucket::Buckets;
use super::call::ItemKey;

/// The state of a proxy, which its connections share.
#[derive(Debug)]
pub(super) struct ProxyState {
    pub(super) url: String,
    pub(super) engine: String,
    pub(super) behaviours: HashSet<Behaviour>,
    pub(super) random: Mutex<Rng>,
    pub(super) buckets: Mutex<Buckets>,
    /// The items that a call is writing.
    pub(super) locked: Mutex<HashSet<ItemKey>>,
    /// The client request tokens of transactions.
    pub(super) tokens: Mutex<HashMap<String, TransactionState>>,
    /// A write of one item holds it for reading. A snapshot holds it for writing, so it lies between two writes.
    pub(super) moment: RwLock<()>,
    pub(super) clock: Clock,
    pub(super) counts: HashMap<Behaviour, AtomicU64>,
}

/// The state of a transaction, which the proxy finds by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransactionState {
    InProgress,
    Committed,
}

/// A clock that runs faster than the real one.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    pub(super) speed: f64,
}

impl Clock {
    /// Virtual seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * self.speed
    }

    /// Waits for virtual seconds.
    pub(super) async fn sleep(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds / self.speed)).await;
    }
}

impl ProxyState {
    pub(super) fn has(&self, behaviour: Behaviour) -> bool {
        self.behaviours.contains(&behaviour)
    }

    /// Whether a behaviour shows now; it does in one of `one_in` cases.
    pub(super) fn shows(&self, behaviour: Behaviour, one_in: u32) -> bool {
        let shows = self.has(behaviour) && self.random.lock().unwrap().u32(0..one_in) == 0;
        if shows {
            self.note(behaviour);
        }
        shows
    }

    /// Counts that the proxy has shown a behaviour.
    pub(super) fn note(&self, behaviour: Behaviour) {
        self.counts[&behaviour].fetch_add(1, Ordering::SeqCst);
    }
}
