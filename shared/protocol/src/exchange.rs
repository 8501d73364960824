//! One request and its reply, as values that do not depend on HTTP (RFC 7644 §3). The crate `edge` converts them
//! from and to HTTP.

use std::collections::BTreeSet;
use std::time::Instant;

use schema::Object;

use crate::Caller;

/// The context of a request: its caller, its URL and its deadline.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub caller: &'a Caller,
    /// `https://…/scim/v2`, for `meta.location` and `$ref`.
    pub base_url: &'a str,
    /// When the reply has to be ready.
    pub deadline: Instant,
}

/// The outcome of an operation that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The URL of the resource.
    pub location: Option<String>,
    /// The entity tag of the resource.
    pub version: Option<String>,
    /// `None` with 204 and 304.
    pub body: Option<Object>,
    /// The names of the attributes that the operation changed, as a path names them (RFC 7644 §3.10). They are for
    /// the log.
    pub changed: BTreeSet<String>,
}
