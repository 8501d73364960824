//! Times, in the units that items, logs and responses use.

use jiff::Timestamp;
pub(crate) use store::now_rfc3339;

pub(crate) const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The time for a new version of a resource whose version so far has this `lastModified`. The clock of another writer
/// may be ahead of this one, and a time that goes back hides a change from clients that request the changes since a
/// time.
pub(crate) fn now_not_before(last_modified: &str) -> String {
    now_rfc3339().max(last_modified.to_owned())
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Seconds since 1970 as an RFC 3339 text.
pub(crate) fn rfc3339_seconds(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// A time as an RFC 3339 text, in milliseconds.
pub(crate) fn rfc3339_ms(at: Timestamp) -> String {
    format!("{at:.3}")
}
