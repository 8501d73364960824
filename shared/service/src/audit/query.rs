//! The query of operators, and the validation of its members.

use jiff::Timestamp;
use protocol::Error;
use schema::ResourceId;
use serde::Deserialize;

/// A query for the changes of one resource or of all, or for the members of a group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    pub tenant: String,
    /// The id of a user or a group; the changes of all resources if absent.
    #[serde(default)]
    pub resource: Option<String>,
    /// The first instant, RFC 3339.
    #[serde(default)]
    pub from: Option<String>,
    /// The last instant, RFC 3339.
    #[serde(default)]
    pub to: Option<String>,
    /// The id of a group. The result is its members, instead of changes.
    #[serde(default)]
    pub members_of: Option<String>,
    /// The instant of the membership, RFC 3339; now if absent.
    #[serde(default)]
    pub at: Option<String>,
    /// The most changes, or members, in the result.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The `nextToken` of the previous page.
    #[serde(default)]
    pub next_token: Option<String>,
}

pub(super) fn invalid(detail: &str) -> Error {
    Error::InvalidValue(detail.to_owned())
}

pub(super) fn id(name: &str, text: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(text)
        .ok_or_else(|| invalid(&format!("{name} must be the id of a user or a group, in lower case.")))
}

pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|_| invalid(&format!("{name} must be an instant, for example 2026-01-31T00:00:00Z.")))
}

/// The requested limit, or the default one.
pub(super) fn limit(requested: Option<usize>, default: usize, max: usize) -> Result<usize, Error> {
    match requested.unwrap_or(default) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(invalid(&format!("limit must be 1 to {max}."))),
    }
}
