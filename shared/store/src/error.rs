//! The errors of the store, in terms that do not name the SDK's types.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use schema::ResourceId;

/// The reason why an operation of the directory failed. Unless the variant's documentation states otherwise,
/// nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The item to change does not exist.
    #[error("the item does not exist")]
    Missing,
    /// The item to change is no longer as it was read. The caller has to read it again.
    #[error("the item has changed since it was read")]
    Stale,
    /// The name belongs to another resource.
    #[error("the name belongs to another resource")]
    NameTaken,
    /// The old name, which the change would free, belongs to another resource: the table was restored to the middle of
    /// a commit. The caller has to leave the name as it is.
    #[error("the old name belongs to another resource")]
    OldNameLost,
    /// These members to add do not exist.
    #[error("{} of the members to add do not exist", .0.len())]
    MembersNotFound(Vec<ResourceId>),
    /// Concurrent changes of the same items continued until the retries were used up.
    #[error("concurrent changes of the same items did not end")]
    Contended,
    /// The change exceeds a limit, which the sentence names for an administrator. Nothing was sent.
    #[error("{0}")]
    TooLarge(String),
    /// DynamoDB rejects a transaction whose items are too large together. It counts the whole of each item, and the
    /// caller does not know the sizes of items that it changes without reading them. Fewer items may fit.
    #[error("the items of a transaction are too large together")]
    TooLargeTogether,
    /// A stored item is invalid. The sentence is for the log and contains no stored value.
    #[error("the table holds an invalid item: {0}")]
    Corrupt(String),
    /// A newer release of this service has stored the item in a format that this one does not know.
    #[error("a newer release has stored the item")]
    NewerFormat,
    /// DynamoDB or the configuration does not allow the call: missing rights, a wrong table name, an invalid
    /// request, an unset variable. The sentence is for the log.
    #[error("refused: {0}")]
    Refused(String),
    /// DynamoDB throttled the call until the retries were used up.
    #[error("DynamoDB throttled the call")]
    Throttled,
    /// DynamoDB did not respond, so it is unknown whether a write happened. The cause is for the log.
    #[error("DynamoDB unavailable: {0}")]
    Unavailable(String),
}

/// Converts the error of a call whose caller does not handle special cases.
///
/// It keeps only the error's code, because the error's text may quote values.
pub(crate) fn classify<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let SdkError::ServiceError(response) = error else {
        return Error::Unavailable(format!("{call}: {}", no_response(error)));
    };
    let code = response.err().code().unwrap_or("no error code");
    match code {
        "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded" | "Throttling" => {
            Error::Throttled
        }
        "TransactionConflictException" | "TransactionInProgressException" => Error::Contended,
        "ConditionalCheckFailedException" => Error::Stale,
        _ if response.raw().status().is_server_error() => Error::Unavailable(format!("{call}: {code}")),
        _ => Error::Refused(format!("{call}: {code}")),
    }
}

fn no_response<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(cause) if cause.is_timeout() => "timeout",
        SdkError::DispatchFailure(cause) if cause.is_io() => "connection failed",
        SdkError::DispatchFailure(_) => "the request could not be sent",
        _ => "the response could not be read",
    }
}

/// The error for a request that could not be built, which is a mistake in this crate.
pub(crate) fn build_error(error: BuildError) -> Error {
    Error::Refused(error.to_string())
}
