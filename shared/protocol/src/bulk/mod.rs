//! Bulk requests (RFC 7644 §3.7): parsing, the order of execution, and the report of the outcomes.

mod call;
mod concurrent_batch;
mod context;
mod operation;
mod order;
mod parse;
mod reference;

pub use call::{Call, Method};
pub use concurrent_batch::ConcurrentBatch;
pub use operation::{BulkRequest, Operation, OperationOutcome, Success, response};
pub use order::{ExecutionStep, order};
pub use reference::Reference;
