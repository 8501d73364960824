//! The order in which events arrive on AWS. A table's stream has shards that are processed at the same time, it may
//! deliver the records of two transactions in another order than that of their commits, and everything may arrive
//! twice.

use fastrand::Rng;
use serde_json::Value;

/// Divides events among two shards, swaps neighbours in each, delivers some twice, and merges the shards.
pub fn disorder(events: &[Value], seed: u64) -> Vec<Value> {
    let mut random = Rng::with_seed(seed);
    let mut shards: [Vec<Value>; 2] = Default::default();
    for event in events {
        shards[random.usize(..2)].push(event.clone());
    }
    for shard in &mut shards {
        for at in 1..shard.len() {
            if random.u8(..4) == 0 {
                shard.swap(at - 1, at);
            }
        }
        let again: Vec<Value> = shard.iter().filter(|_| random.u8(..10) == 0).cloned().collect();
        shard.extend(again);
    }
    let [mut first, mut second] = shards.map(Vec::into_iter);
    let mut merged = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        let (one, other) = if random.bool() { (&mut first, &mut second) } else { (&mut second, &mut first) };
        merged.extend(one.next().or_else(|| other.next()));
    }
    merged
}
