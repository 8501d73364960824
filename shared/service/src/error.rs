//! What a failure of the store means to the client. Its cause is logged here, once; the client learns what to do.

use protocol::Error;
use store::Error as StoreError;

/// Seconds after which a refused request is worth another try.
const RETRY_AFTER: u32 = 1;

/// A failure that has no meaning of its own where it happened.
pub(crate) fn failed(error: StoreError) -> Error {
    match error {
        StoreError::Throttled | StoreError::Contended | StoreError::Stale => {
            tracing::warn!(cause = %error, "the store is busy");
            Error::TooManyRequests { retry_after: RETRY_AFTER }
        }
        StoreError::Unavailable(_) => {
            tracing::error!(cause = %error, "the store does not answer");
            Error::Unavailable { retry_after: RETRY_AFTER }
        }
        StoreError::TooLarge(limit) => Error::PayloadTooLarge(limit),
        StoreError::Missing
        | StoreError::NameTaken
        | StoreError::MembersNotFound(_)
        | StoreError::Corrupt(_)
        | StoreError::Refused(_) => {
            tracing::error!(cause = %error, "the store failed");
            Error::Internal
        }
    }
}

/// A failure after the write was done. "Too many requests" would say that nothing was, and a repeat would not find what there
/// was to do.
pub(crate) fn failed_after_write(error: Error) -> Error {
    match error {
        Error::TooManyRequests { retry_after } => Error::Unavailable { retry_after },
        other => other,
    }
}
