//! The write of resources: a [`Commit`](request::Commit) describes a whole change, and one transaction applies all of
//! it or nothing.

pub(crate) mod limits;
pub(crate) mod plan;
mod record;
pub(crate) mod request;
pub(crate) mod send;
