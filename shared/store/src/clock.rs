//! The wall clock, for expiry times and for the age of changes.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The time as RFC 3339 text, with milliseconds. Such texts are in the order of their times.
pub fn now_rfc3339() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    now_ms() / 1000
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
