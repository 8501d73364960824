//! The current time, in the units that items and logs use.

use jiff::Timestamp;

/// RFC 3339, with milliseconds.
pub(crate) fn now_rfc3339() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}
