//! The steps of each operation: load, compute, plan, commit, represent. `schema` and `protocol` define resources
//! and the meaning of requests; `store` defines how resources are stored.

pub mod audit;
mod batch_size;
mod bulk;
mod changed_attributes;
pub mod check;
mod clock;
mod context;
mod create;
mod delete;
mod edges;
mod error;
mod get;
mod keys;
mod list;
mod member_limits;
mod membership;
mod outbox;
mod pending;
mod read_set;
mod represent;
mod retry;
pub mod tokens;
mod unfinished;
mod update;

pub use bulk::bulk;
pub use context::Context;
pub use create::create;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use outbox::{EventOptions, build_events};
pub use unfinished::{CompletionReport, finish_changes};
pub use update::{patch, replace};
