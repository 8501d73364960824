//! Where a read of the change records begins, and how many it returns at a time. The ids of the records sort by the
//! clocks of their writers.

use jiff::Timestamp;
use schema::ResourceId;
use store::{created_at_ms, first_change_id};

/// The number of records that are read at a time.
pub(super) const RECORDS_PER_READ: usize = 1000;
/// The maximum difference between the clocks of two writers, in milliseconds.
const MAX_CLOCK_SKEW_MS: u64 = 5 * 60 * 1000;

/// The id after which the records of this instant and later come.
pub(super) fn id_before(at: Timestamp) -> Option<ResourceId> {
    first_change_id(u64::try_from(at.as_millisecond()).unwrap_or(0).saturating_sub(MAX_CLOCK_SKEW_MS))
}

/// The id after which all records about a resource come: none is older than the resource.
pub(super) fn id_before_all_of(resource: &ResourceId) -> Option<ResourceId> {
    first_change_id(created_at_ms(resource)?.saturating_sub(MAX_CLOCK_SKEW_MS))
}
