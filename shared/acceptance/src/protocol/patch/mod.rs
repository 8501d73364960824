//! Checks of PATCH (RFC 7644 §3.5.2).

pub(crate) mod changes;
pub(crate) mod errors;
