//! The errors of the protocol (RFC 7644 §3.12): status, `scimType`, and the body of the response.

use schema::{Leniency, Restriction, Rule};
use serde_json::{Value, json};

use crate::limits::{GROUPS_IN_RESPONSE, MEMBERS_IN_RESPONSE};

/// The schema URI of an error body.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The error of a request. The text is the `detail` that the customer's administrator reads in the identity
/// provider: what is wrong, then what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: a filter with a mistake, or a filter that this service does not support.
    #[error("{0}")]
    InvalidFilter(String),
    /// 400: a query that would read more than the service allows.
    #[error("{0}")]
    TooMany(String),
    /// 409: a value that must be unique is already in use.
    #[error("{0}")]
    Uniqueness(String),
    /// 400: a change of an immutable, read-only or required attribute that the RFC forbids.
    #[error("{0}")]
    Mutability(String),
    /// 400: a body that is not the message of the request.
    #[error("{0}")]
    InvalidSyntax(String),
    /// 400: a path in a PATCH operation or a projection that is malformed or names no attribute.
    #[error("{0}")]
    InvalidPath(String),
    /// 400: a filter in a PATCH path that matches no value, or a `remove` without a path.
    #[error("{0}")]
    NoTarget(String),
    /// 400: a value of the wrong type, or a missing required value.
    #[error("{0}")]
    InvalidValue(String),
    /// 400: a cursor that this service did not create, or created for another query (RFC 9865 §2.1).
    #[error("{0}")]
    InvalidCursor(String),
    /// 400: an expired cursor (RFC 9865 §2.1).
    #[error("{0}")]
    ExpiredCursor(String),
    /// 400: another `count` than that of the query for which the cursor was created (RFC 9865 §2.1).
    #[error("{0}")]
    InvalidCount(String),
    /// 401.
    #[error("{0}")]
    Unauthorized(String),
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 403: the token is valid, but lacks the scope that the request needs (RFC 6750 §3.1). A 401 would make a client
    /// give up the token.
    #[error("This token lacks the scope `{scope}`. Ask the operator of this service for a token that has it.")]
    InsufficientScope { scope: &'static str },
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 405, with the methods that the path supports.
    #[error("This endpoint does not support the method of the request. Use one of {allow}.")]
    MethodNotAllowed { allow: String },
    /// 406.
    #[error("{0}")]
    NotAcceptable(String),
    /// 409: an operation of a bulk request that depends on another operation, which failed (RFC 7644 §3.7.1).
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
    #[error(
        "Other requests change the same resource, a large change of it is still being applied, or the database is \
         busy. Nothing was changed. Try again in {retry_after} s."
    )]
    TooManyRequests { retry_after: u32 },
    /// 500. The cause is only in the log.
    #[error(
        "The service failed to process the request. A change may or may not have been applied, so read the resource \
         before you retry. If this persists, contact the operator of this service and give the time of the request."
    )]
    Internal,
    /// 501.
    #[error("{0}")]
    NotImplemented(String),
    /// 503, with the seconds to wait. The change may have been applied.
    #[error(
        "The service cannot complete the request at the moment. A change may already have been applied: read the \
         resource, then try again after {retry_after} s."
    )]
    Unavailable { retry_after: u32 },
    /// 503: the time of the request was over before the work was done. Nothing was changed.
    #[error("{0}")]
    OutOfTime(String),
}

impl Error {
    /// The error for an id that does not exist. It is the same for an id of another tenant and of a deleted
    /// resource.
    pub fn not_found(kind: schema::Kind) -> Self {
        Error::NotFound(format!("No {kind} has this id. It may have been deleted. Search for it with a filter."))
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
            Error::Forbidden(_) | Error::InsufficientScope { .. } => 403,
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

    /// The `scimType` (RFC 7644 §3.12, table 9; RFC 9865 §2.1, table 3), if the error has one.
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

    /// The error for a response that is larger than a Lambda function can return.
    pub fn response_too_large() -> Self {
        Error::PayloadTooLarge(
            "The response would be larger than 6 MB, the limit of this service. Request fewer resources with count, \
             exclude members with excludedAttributes=members, or accept gzip (Accept-Encoding: gzip)."
                .to_owned(),
        )
    }

    /// The error for a response with more members than [`MEMBERS_IN_RESPONSE`], or groups of users than
    /// [`GROUPS_IN_RESPONSE`].
    pub fn too_many_members() -> Self {
        Error::PayloadTooLarge(format!(
            "The response would have more than {MEMBERS_IN_RESPONSE} members of groups, or {GROUPS_IN_RESPONSE} \
             groups of users, the limits of this service. Exclude them with excludedAttributes=members,groups, or \
             request fewer resources with count. To learn whether a user is a member of a group, filter the groups by \
             id and by members.value."
        ))
    }

    /// The error for a page by `startIndex` that has no room for more than its first `resources` resources.
    pub fn page_too_large(resources: usize) -> Self {
        Error::PayloadTooLarge(format!(
            "The resources of this page are too large for one response. Send count={resources} or less, name the \
             attributes that you need with attributes, or page by cursor (send an empty cursor parameter), where a \
             page has as many resources as fit."
        ))
    }

    /// The seconds for the `Retry-After` header. Okta only obeys an integer.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Error::TooManyRequests { retry_after } | Error::Unavailable { retry_after } => Some(*retry_after),
            Error::OutOfTime(_) => Some(1),
            _ => None,
        }
    }

    /// The challenge for the `WWW-Authenticate` header (RFC 6750 §3).
    pub fn challenge(&self) -> Option<String> {
        match self {
            Error::Unauthorized(_) => Some("Bearer".to_owned()),
            Error::InsufficientScope { scope } => {
                Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""))
            }
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

    /// The body of the response. `status` is a string, as in the RFC.
    pub fn body(&self) -> Value {
        let mut body = json!({"schemas": [ERROR], "status": self.status().to_string(), "detail": self.to_string()});
        if let (Some(scim_type), Some(object)) = (self.scim_type(), body.as_object_mut()) {
            object.insert("scimType".to_owned(), scim_type.into());
        }
        body
    }
}

impl From<schema::Violation> for Error {
    fn from(violation: schema::Violation) -> Self {
        let detail = format!("{violation}.");
        match violation.rule {
            Some(Rule::Leniency(leniency)) => leniency_error(leniency, detail),
            Some(Rule::Restriction(restriction)) => restriction_error(restriction, detail),
            None => Error::InvalidValue(detail),
        }
    }
}

/// The error for a deviation from the RFCs that a strict dialect does not tolerate.
fn leniency_error(leniency: Leniency, detail: String) -> Error {
    match leniency {
        Leniency::UnknownAttributes
        | Leniency::MissingSchemas
        | Leniency::UnknownSchemas
        | Leniency::UnlistedExtensions
        | Leniency::OlderNames
        | Leniency::CoreSchemaObject
        | Leniency::OperationCase
        | Leniency::NoOperations
        | Leniency::RelativePaths
        | Leniency::NestedNames
        | Leniency::ValuesOnRemove => Error::InvalidSyntax(detail),
        Leniency::PathsAsNames
        | Leniency::BareExtensionNames
        | Leniency::DotsAfterUris
        | Leniency::FiltersOnSingleValues => Error::InvalidPath(detail),
        Leniency::ElementsByFilter => Error::NoTarget(detail),
        Leniency::ReadOnlyValues => Error::Mutability(detail),
        Leniency::EmptyStrings
        | Leniency::StringBooleans
        | Leniency::BareValues
        | Leniency::SingleForList
        | Leniency::ListForSingle
        | Leniency::WrappedValues
        | Leniency::JsonInStrings
        | Leniency::SeveralPrimaries
        | Leniency::UrlSafeBase64
        | Leniency::TextReferences
        | Leniency::UnknownMembers
        | Leniency::MemberTypes
        | Leniency::UnquotedLiterals
        | Leniency::PlusInQueries
        | Leniency::ValuePathComparisons
        | Leniency::ComplexComparisons
        | Leniency::MissingContentType
        | Leniency::BareTokens => Error::InvalidValue(detail),
    }
}

/// The error for a request that only the interoperability profile rejects (its sections "Error Handling").
fn restriction_error(restriction: Restriction, detail: String) -> Error {
    match restriction {
        Restriction::PatchPath | Restriction::ListInPatch | Restriction::ConditionalRequest => {
            Error::InvalidSyntax(detail)
        }
        Restriction::ElementPath => Error::InvalidPath(detail),
        Restriction::SeveralMatches => Error::InvalidFilter(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_body_has_the_members_of_the_rfc() {
        let error = Error::Uniqueness("taken".into());
        let expect = json!({"schemas": [ERROR], "status": "409", "detail": "taken", "scimType": "uniqueness"});
        assert_eq!(error.body(), expect);
        assert_eq!(Error::Internal.body().get("scimType"), None);
        assert_eq!(Error::TooManyRequests { retry_after: 2 }.retry_after(), Some(2));
    }
}
