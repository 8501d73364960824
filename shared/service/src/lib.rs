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

use protocol::{Exchange, Tenant};
use store::Directory;

/// What every operation works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub directory: &'a Directory,
    pub exchange: Exchange<'a>,
}

impl<'a> Context<'a> {
    pub(crate) fn tenant(&self) -> &'a Tenant {
        &self.exchange.caller.tenant
    }
}
