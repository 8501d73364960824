//! The order in which the entries of many changes are published: several calls at a time, and the entries about one
//! resource one after the other.

use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_eventbridge::types::PutEventsRequestEntry;

/// The largest number of entries in a call.
pub(crate) const MAX_ENTRIES: usize = 10;
/// The largest size of a call, in bytes.
const MAX_CALL_BYTES: usize = 256 * 1024;
/// The size of an entry's time, in bytes.
const TIME_BYTES: usize = 14;
/// The number of calls at a time.
const MAX_LANES: usize = 8;

/// An entry to publish.
#[derive(Debug, Clone)]
pub(crate) struct BusEntry {
    /// The place of the entry's change among those that are published together.
    pub(crate) change: usize,
    /// The path of the resource that the entry is about.
    pub(crate) uri: String,
    /// The id of the event.
    pub(crate) jti: String,
    pub(crate) entry: PutEventsRequestEntry,
}

/// Divides entries into lanes, each of which keeps their order. All entries about a resource are in the same lane.
pub(crate) fn lanes(entries: Vec<BusEntry>) -> Vec<Vec<BusEntry>> {
    let count = entries.len().div_ceil(MAX_ENTRIES).clamp(1, MAX_LANES);
    let mut lanes = vec![Vec::new(); count];
    for entry in entries {
        let mut hasher = DefaultHasher::new();
        entry.uri.hash(&mut hasher);
        let lane = hasher.finish() % count as u64;
        if let Some(lane) = usize::try_from(lane).ok().and_then(|lane| lanes.get_mut(lane)) {
            lane.push(entry);
        }
    }
    lanes
}

/// Divides entries into as few calls as the limits allow, in the same order.
pub(crate) fn calls(entries: Vec<BusEntry>) -> Vec<Vec<BusEntry>> {
    let mut calls: Vec<Vec<BusEntry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let size = entry_bytes(&entry.entry);
        match calls.last_mut().filter(|call| call.len() < MAX_ENTRIES && bytes + size <= MAX_CALL_BYTES) {
            Some(call) => {
                bytes += size;
                call.push(entry);
            }
            None => {
                bytes = size;
                calls.push(vec![entry]);
            }
        }
    }
    calls
}

/// The size of an entry as EventBridge counts it.
fn entry_bytes(entry: &PutEventsRequestEntry) -> usize {
    let texts = [&entry.source, &entry.detail_type, &entry.detail];
    TIME_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
}
