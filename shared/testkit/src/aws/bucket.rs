//! The throughput of partitions (Amazon DynamoDB Developer Guide, "Burst and adaptive capacity": each partition serves
//! up to 3,000 read and 1,000 write units a second).

use std::collections::HashMap;

const READ_UNITS_PER_SECOND: f64 = 3000.0;
const WRITE_UNITS_PER_SECOND: f64 = 1000.0;

/// The units that each partition key may still consume, for reads and for writes. Unused units are kept for one
/// second: unused throughput of a table does not raise the limit of one partition.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: HashMap<(String, String, bool), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    units: f64,
    filled_at: f64,
}

impl Buckets {
    fn bucket(&mut self, (table, partition): &(String, String), is_write: bool, now: f64) -> &mut Bucket {
        let rate = if is_write { WRITE_UNITS_PER_SECOND } else { READ_UNITS_PER_SECOND };
        let key = (table.clone(), partition.clone(), is_write);
        let bucket = self.buckets.entry(key).or_insert(Bucket { units: rate, filled_at: now });
        bucket.units = (bucket.units + (now - bucket.filled_at) * rate).min(rate);
        bucket.filled_at = now;
        bucket
    }

    pub(super) fn is_empty(&mut self, partition: &(String, String), is_write: bool, now: f64) -> bool {
        self.bucket(partition, is_write, now).units <= 0.0
    }

    /// Takes the units of a call, even if the partition has fewer left, because they are known only after the call.
    pub(super) fn consume(&mut self, partition: &(String, String), is_write: bool, now: f64, units: f64) {
        self.bucket(partition, is_write, now).units -= units;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_has_its_units_back_after_a_second_and_no_more() {
        let mut buckets = Buckets::default();
        let hot = ("t".into(), "a".into());
        let cold = ("t".into(), "b".into());
        buckets.consume(&hot, true, 0.0, 1500.0);
        assert!(buckets.is_empty(&hot, true, 0.4));
        assert!(!buckets.is_empty(&hot, true, 0.6));
        assert!(!buckets.is_empty(&hot, false, 0.4), "reads have their own units");
        assert!(!buckets.is_empty(&cold, true, 0.4));
        buckets.consume(&hot, true, 100.0, 1000.0);
        assert!(buckets.is_empty(&hot, true, 100.0), "a long rest gives no more than one second");
    }
}
