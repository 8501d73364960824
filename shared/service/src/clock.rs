//! The current time, in the units that items and logs use.

use jiff::Timestamp;
pub(crate) use store::now_rfc3339;

/// The time for a new version of a resource whose version so far has this `lastModified`. The clock of another writer
/// may be ahead of this one, and a time that goes back hides a change from clients that ask for what is new.
pub(crate) fn now_not_before(last_modified: &str) -> String {
    now_rfc3339().max(last_modified.to_owned())
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}
