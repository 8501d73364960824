//! The steps of each operation: read, compute, commit, answer. What a resource is and what a request means is decided
//! in `schema` and `protocol`; how it is stored, in `store`.

pub mod audit;
mod bulk;
mod create;
mod delete;
mod error;
mod get;
mod keys;
mod list;
mod membership;
mod outbox;
mod pending;
mod represent;
mod retry;
pub mod tokens;
mod update;

pub use bulk::bulk;
pub use create::create;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use outbox::{EventOptions, complete_and_build_events};
pub use update::{patch, replace};

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
