//! Every refusal that the service answers with (RFC 7644 §3.12), and its body.

use schema::Leniency;
use serde_json::{Value, json};

/// The schema URI of an error body.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A refused request. The text is the `detail` that the customer's administrator reads in the identity provider: it
/// says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: a filter that is none, or one that this service does not have.
    #[error("{0}")]
    InvalidFilter(String),
    /// 400: the answer would be larger, or dearer, than the service is willing to make.
    #[error("{0}")]
    TooMany(String),
    /// 409: a value that must be unique is taken.
    #[error("{0}")]
    Uniqueness(String),
    /// 400: a change of what may not change.
    #[error("{0}")]
    Mutability(String),
    /// 400: a body that is not what the request takes.
    #[error("{0}")]
    InvalidSyntax(String),
    /// 400: a path in a PATCH operation or a projection that names nothing.
    #[error("{0}")]
    InvalidPath(String),
    /// 400: a value filter in a PATCH path that matches no value.
    #[error("{0}")]
    NoTarget(String),
    /// 400: a value of a wrong type, or a required one that is missing.
    #[error("{0}")]
    InvalidValue(String),
    /// 400: a cursor that this service did not give, or not for this query (RFC 9865 §2.1).
    #[error("{0}")]
    InvalidCursor(String),
    /// 400: a cursor that was used too late (RFC 9865 §2.1).
    #[error("{0}")]
    ExpiredCursor(String),
    /// 400: another count than the one that the cursor was made for (RFC 9865 §2.1).
    #[error("{0}")]
    InvalidCount(String),
    /// 401.
    #[error("{0}")]
    Unauthorized(String),
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 405, with the methods that the path has.
    #[error("This URL takes {allow}.")]
    MethodNotAllowed { allow: String },
    /// 406.
    #[error("{0}")]
    NotAcceptable(String),
    /// 409: an operation of a bulk request that rests on another one, which failed (RFC 7644 §3.7.1).
    #[error("{0}")]
    Conflict(String),
    /// 412.
    #[error("{0}")]
    PreconditionFailed(String),
    /// 413.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// 415.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 429, with the seconds to wait. Nothing was changed.
    #[error("Too many requests for this directory at the moment. Try again in {retry_after} s.")]
    TooManyRequests { retry_after: u32 },
    /// 500. The cause is in the log, not here.
    #[error(
        "The request failed inside the service and changed nothing that was not confirmed. Try again; if it stays, contact the provider with the time of this request."
    )]
    Internal,
    /// 501.
    #[error("{0}")]
    NotImplemented(String),
    /// 503, with the seconds to wait. A change may have been made.
    #[error("The directory's storage does not answer at the moment. Try again in {retry_after} s.")]
    Unavailable { retry_after: u32 },
    /// 503: an operation for which a bulk request had no time left.
    #[error("{0}")]
    OutOfTime(String),
}

impl Error {
    /// The same for an id of another tenant, of a deleted resource, and of none.
    pub fn not_found(kind: schema::Kind) -> Self {
        Error::NotFound(format!("No {kind} has this id. It may have been deleted; look it up again with a filter."))
    }

    /// The HTTP status code.
    pub fn status(&self) -> u16 {
        match self {
            Error::InvalidFilter(_)
            | Error::TooMany(_)
            | Error::Mutability(_)
            | Error::InvalidSyntax(_)
            | Error::InvalidPath(_)
            | Error::NoTarget(_)
            | Error::InvalidValue(_)
            | Error::InvalidCursor(_)
            | Error::ExpiredCursor(_)
            | Error::InvalidCount(_) => 400,
            Error::Unauthorized(_) => 401,
            Error::Forbidden(_) => 403,
            Error::NotFound(_) => 404,
            Error::MethodNotAllowed { .. } => 405,
            Error::NotAcceptable(_) => 406,
            Error::Uniqueness(_) | Error::Conflict(_) => 409,
            Error::PreconditionFailed(_) => 412,
            Error::PayloadTooLarge(_) => 413,
            Error::UnsupportedMediaType(_) => 415,
            Error::TooManyRequests { .. } => 429,
            Error::Internal => 500,
            Error::NotImplemented(_) => 501,
            Error::Unavailable { .. } | Error::OutOfTime(_) => 503,
        }
    }

    /// The error keyword (RFC 7644 §3.12, table 9; RFC 9865 §2.1, table 3), where there is one.
    pub fn scim_type(&self) -> Option<&'static str> {
        match self {
            Error::InvalidFilter(_) => Some("invalidFilter"),
            Error::TooMany(_) => Some("tooMany"),
            Error::Uniqueness(_) => Some("uniqueness"),
            Error::Mutability(_) => Some("mutability"),
            Error::InvalidSyntax(_) => Some("invalidSyntax"),
            Error::InvalidPath(_) => Some("invalidPath"),
            Error::NoTarget(_) => Some("noTarget"),
            Error::InvalidValue(_) => Some("invalidValue"),
            Error::InvalidCursor(_) => Some("invalidCursor"),
            Error::ExpiredCursor(_) => Some("expiredCursor"),
            Error::InvalidCount(_) => Some("invalidCount"),
            _ => None,
        }
    }

    /// An answer that does not fit into what a function can send.
    pub fn answer_too_large() -> Self {
        Error::PayloadTooLarge(
            "The answer is larger than 6 MB, the most that this service can send at once. Ask for fewer resources with count, \
             leave members out with excludedAttributes=members, or accept gzip (Accept-Encoding: gzip)."
                .to_owned(),
        )
    }

    /// Seconds for the `Retry-After` header. Okta obeys a whole number alone.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Error::TooManyRequests { retry_after } | Error::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// The methods for the `Allow` header.
    pub fn allow(&self) -> Option<&str> {
        match self {
            Error::MethodNotAllowed { allow } => Some(allow),
            _ => None,
        }
    }

    /// The body. `status` is a string, as the RFC has it.
    pub fn body(&self) -> Value {
        let mut body = json!({"schemas": [ERROR], "status": self.status().to_string(), "detail": self.to_string()});
        if let (Some(scim_type), Some(object)) = (self.scim_type(), body.as_object_mut()) {
            object.insert("scimType".to_owned(), scim_type.into());
        }
        body
    }
}

impl From<schema::Invalid> for Error {
    fn from(invalid: schema::Invalid) -> Self {
        let detail = format!("{invalid}.");
        match invalid.leniency {
            Some(
                Leniency::UnknownAttributes
                | Leniency::MissingSchemas
                | Leniency::UnknownSchemas
                | Leniency::UnlistedExtensions
                | Leniency::OlderNames
                | Leniency::CoreSchemaObject
                | Leniency::OperationCase
                | Leniency::NoOperations
                | Leniency::RelativePaths
                | Leniency::ValuesOnRemove,
            ) => Error::InvalidSyntax(detail),
            Some(Leniency::PatchWithoutPath | Leniency::PathsAsNames | Leniency::BareExtensionNames) => {
                Error::InvalidPath(detail)
            }
            Some(Leniency::ElementsByFilter) => Error::NoTarget(detail),
            Some(Leniency::ReadOnlyValues) => Error::Mutability(detail),
            _ => Error::InvalidValue(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_rfcs() {
        let error = Error::Uniqueness("taken".into());
        let expect = json!({"schemas": [ERROR], "status": "409", "detail": "taken", "scimType": "uniqueness"});
        assert_eq!(error.body(), expect);
        assert_eq!(Error::Internal.body().get("scimType"), None);
        assert_eq!(Error::TooManyRequests { retry_after: 2 }.retry_after(), Some(2));
    }
}
