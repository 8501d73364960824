//! What can go wrong between the service and its table, without a word of the SDK's.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use schema::ResourceId;

/// Why the table did not do what was asked. Unless it says otherwise, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What should be changed is not there.
    #[error("the item does not exist")]
    Missing,
    /// What should be changed is no longer as it was read: read again.
    #[error("the item has changed since it was read")]
    Stale,
    /// The name belongs to another resource.
    #[error("the name belongs to another resource")]
    NameTaken,
    /// These members to add do not exist.
    #[error("{} of the members to add do not exist", .0.len())]
    MembersNotFound(Vec<ResourceId>),
    /// Others kept changing the same items until the time for retries was over.
    #[error("other changes kept getting in the way")]
    Contended,
    /// More than one change can hold; the sentence tells an administrator the limit. Nothing was sent.
    #[error("{0}")]
    TooLarge(String),
    /// What is stored cannot be right; the sentence is for the log and holds no stored value.
    #[error("the table holds what it should not: {0}")]
    Corrupt(String),
    /// DynamoDB or the environment does not let us: rights, the table's name, a call that it finds wrong. For the log.
    #[error("refused: {0}")]
    Refused(String),
    /// DynamoDB asked for less, until the time for retries was over.
    #[error("DynamoDB throttles")]
    Throttled,
    /// No answer: whether a write happened is unknown. The cause is for the log.
    #[error("DynamoDB does not answer: {0}")]
    Unavailable(String),
}

/// Reads a failed call that has no meaning of its own at the place that made it.
///
/// Only the error's code is kept: its text may quote values.
pub(crate) fn failure<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let SdkError::ServiceError(answer) = error else {
        return Error::Unavailable(format!("{call}: {}", no_answer(error)));
    };
    let code = answer.err().code().unwrap_or("no code");
    match code {
        "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded" | "Throttling" => {
            Error::Throttled
        }
        "TransactionConflictException" | "TransactionInProgressException" => Error::Contended,
        "ConditionalCheckFailedException" => Error::Stale,
        _ if answer.raw().status().is_server_error() => Error::Unavailable(format!("{call}: {code}")),
        _ => Error::Refused(format!("{call}: {code}")),
    }
}

fn no_answer<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(cause) if cause.is_timeout() => "timeout",
        SdkError::DispatchFailure(cause) if cause.is_io() => "connection failed",
        SdkError::DispatchFailure(_) => "the request could not be sent",
        _ => "the answer could not be read",
    }
}
