//! Bulk requests (RFC 7644 §3.7): parsing, the order of execution, and the report of the outcomes.

mod batch;
mod call;
mod context;
mod operation;
mod order;
mod parse;
mod reference;

pub use batch::Batch;
pub use call::{Call, Method};
pub use operation::{Bulk, Operation, Outcome, Success, response};
pub use order::{ExecutionStep, order};
pub use reference::Reference;
