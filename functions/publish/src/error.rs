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
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Publish(#[from] PublishError),
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
    /// The code of SQS's error; `None` if it did not respond.
    #[error("the dead letter could not be sent: {}", .0.as_deref().unwrap_or("no response"))]
    DeadLetter(Option<String>),
}
