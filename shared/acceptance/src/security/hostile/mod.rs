//! Texts, ids, headers and filters that are made to be misunderstood.

pub(crate) mod filters;
pub(crate) mod headers;
pub(crate) mod ids;
pub mod lines;
pub(crate) mod texts;
