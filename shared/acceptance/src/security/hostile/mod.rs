//! Checks of texts, ids, headers and filters that a client sends in order to be misunderstood.

pub(crate) mod filters;
pub(crate) mod headers;
pub(crate) mod ids;
pub mod lines;
pub(crate) mod texts;
