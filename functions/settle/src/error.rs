//! Why the function cannot start, and why a change has to be processed again. Both are for the log.

use thiserror::Error;

/// Why the function cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Aws(#[from] store::Error),
    #[error("the environment variable {0} is not set")]
    MissingVariable(&'static str),
}

/// Why a change has to be processed again.
#[derive(Debug, Error)]
pub(crate) enum ChangeError {
    /// The stream's record is not a change record that this version can read.
    #[error(transparent)]
    Record(#[from] store::Error),
    #[error(transparent)]
    Completion(#[from] protocol::Error),
    #[error("the change is still pending")]
    Pending,
    /// The next batch continues with the change.
    #[error("the time of the batch is up")]
    OutOfTime,
}

/// Why events were not published.
#[derive(Debug, Error)]
pub enum PublishError {
    #[error("an event cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The code of EventBridge's error; `None` if it did not respond.
    #[error("PutEvents failed: {}", .0.as_deref().unwrap_or("no response"))]
    Call(Option<String>),
    #[error("PutEvents returned a different number of entries than it was sent")]
    Mismatch,
    #[error("PutEvents rejected {0} events after all retries")]
    Rejected(usize),
}
