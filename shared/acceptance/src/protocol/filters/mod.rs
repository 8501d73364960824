//! Checks of filters (RFC 7644 §3.4.2.2).

pub(crate) mod access_paths;
pub(crate) mod errors;
pub(crate) mod results;
