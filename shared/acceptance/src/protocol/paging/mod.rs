//! Checks of paging by index (RFC 7644 §3.4.2.4) and by cursor (RFC 9865).

pub mod concurrent_changes;
pub(crate) mod cursors;
pub(crate) mod index;
pub(crate) mod interleavings;
