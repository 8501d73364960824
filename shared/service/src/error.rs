//! Converts errors of the store into errors of the protocol. The cause is logged here, once; the client gets the
//! remedy.

use protocol::Error;
use store::Error as StoreError;

/// Seconds after which the client may repeat a request that was rejected with 429 or 503.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Converts an error that has no special meaning for the operation.
pub(crate) fn to_client_error(error: StoreError) -> Error {
    match error {
        StoreError::Throttled | StoreError::Contended | StoreError::Stale => {
            tracing::warn!(cause = %error, "DynamoDB throttled the request, or other changes came first");
            Error::TooManyRequests { retry_after: RETRY_AFTER_SECONDS }
        }
        StoreError::Unavailable(_) => {
            tracing::error!(cause = %error, "DynamoDB unavailable");
            Error::Unavailable { retry_after: RETRY_AFTER_SECONDS }
        }
        // A deployment is replacing the functions, or a rollback has; the other function can read the item.
        StoreError::NewerFormat => {
            tracing::error!(cause = %error, "deploy the newer release again, or finish its deployment");
            Error::Unavailable { retry_after: RETRY_AFTER_SECONDS }
        }
        StoreError::TooLarge(limit) => Error::PayloadTooLarge(limit),
        StoreError::Missing
        | StoreError::NameTaken
        | StoreError::OldNameLost
        | StoreError::MembersNotFound(_)
        | StoreError::Corrupt(_)
        | StoreError::TooLargeTogether
        | StoreError::Refused(_) => {
            tracing::error!(cause = %error, "DynamoDB refused the request, or an item is corrupt");
            Error::Internal
        }
    }
}

/// Converts an error that follows a committed write. 429 would tell the client that nothing was written; a repeated
/// request would then find nothing left to change.
pub(crate) fn to_post_commit_error(error: Error) -> Error {
    match error {
        Error::TooManyRequests { retry_after } => Error::Unavailable { retry_after },
        other => other,
    }
}
