//! The steps of each operation: read, compute, commit, answer. What a resource is and what a request means is decided
//! in `schema` and `protocol`; how it is stored, in `store`.

mod all;
pub mod audit;
mod bulk;
mod change;
mod contest;
mod create;
mod delete;
mod failure;
mod follow;
mod get;
mod keys;
mod list;
mod matching;
mod membership;
mod plan;
mod related;
mod represent;
mod settle;
mod start;
pub mod tokens;

pub use bulk::bulk;
pub use change::{patch, replace};
pub use create::create;
pub use delete::delete;
pub use follow::{EventOptions, complete_and_build_events};
pub use get::get;
pub use list::list;

use std::time::Instant;

use protocol::Caller;
use schema::Object;
use store::Directory;

/// What every operation works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub directory: &'a Directory,
    pub caller: &'a Caller,
    /// `https://…/scim/v2`, for `meta.location` and `$ref`.
    pub base_url: &'a str,
    /// When the answer has to be ready.
    pub deadline: Instant,
}

/// The outcome of an operation.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The URL of a new resource.
    pub location: Option<String>,
    /// The entity tag of the resource.
    pub version: Option<String>,
    pub body: Option<Object>,
}
