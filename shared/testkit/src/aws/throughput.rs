//! The throttling of calls whose partitions have no throughput left.

use serde_json::Value;

use super::behaviour::Behaviour;
use super::call::{Call, cancelled, consumed, error};
use super::state::ProxyState;
use crate::wire::Message;

impl ProxyState {
    /// Whether a partition has no throughput left.
    pub(super) fn is_exhausted(&self, partition: &(String, String), is_write: bool) -> bool {
        self.has(Behaviour::Throughput)
            && self.buckets.lock().unwrap().is_empty(partition, is_write, self.clock.seconds())
    }

    /// The response to a call that is throttled as a whole. Batches are throttled item by item.
    pub(super) fn throttled(&self, call: &Call) -> Option<Value> {
        if call.operation.starts_with("Batch") {
            return None;
        }
        let partitions = call.partitions();
        let is_exhausted: Vec<bool> =
            partitions.iter().map(|partition| self.is_exhausted(partition, call.is_write())).collect();
        if !is_exhausted.contains(&true) {
            return None;
        }
        self.note(Behaviour::Throughput);
        if call.operation.starts_with("Transact") {
            let codes = is_exhausted.into_iter().map(|is| if is { "ThrottlingError" } else { "None" });
            return Some(cancelled(codes));
        }
        Some(error("ThrottlingException"))
    }

    /// Takes the units that a call has consumed from its partitions, in equal parts.
    pub(super) fn consume(&self, call: &Call, response: &Message) {
        if self.has(Behaviour::Throughput) {
            let response: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            let partitions = call.partitions();
            let share = consumed(&response).max(0.5) / partitions.len().max(1) as f64;
            for partition in &partitions {
                self.consume_units(partition, call.is_write(), share);
            }
        }
    }

    pub(super) fn consume_units(&self, partition: &(String, String), is_write: bool, units: f64) {
        if self.has(Behaviour::Throughput) {
            self.buckets.lock().unwrap().consume(partition, is_write, self.clock.seconds(), units);
        }
    }
}
