//! Evaluates audit queries on the change records: the changes of a resource, and the members of a group at an
//! instant.
//!
//! Records are kept for a limited time. They contain ids and attribute names, and no values except a user's
//! `active`. One query reads a bounded number of them.

mod members;
mod trail;
mod versions;

use jiff::Timestamp;
use protocol::event::Change;
use protocol::{Error, Tenant};
use schema::ResourceId;
use serde::{Deserialize, Serialize};
use store::{Directory, created_at_ms, first_change_id};

use crate::error::to_client_error;

pub use trail::{AuditRecord, LeftGroup, MemberCounts};

/// The number of records that are read at a time.
const PAGE: usize = 1000;
/// The maximum difference between the clocks of two writers, in milliseconds.
const MAX_CLOCK_SKEW_MS: u64 = 5 * 60 * 1000;

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

/// One page of the result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    #[serde(flatten)]
    pub result: AuditResult,
    /// The start of the retained history; earlier records have expired. Absent if there is no record at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail_begins: Option<String>,
    /// The next page, which may be empty, is the result of the same query with this token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum AuditResult {
    /// Changes, the earliest first.
    Changes {
        changes: Vec<AuditRecord>,
        /// The ids of records between them that cannot be read: a newer release has written them, or they are damaged.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unreadable: Vec<String>,
    },
    /// The ids of the members, in the order of the ids.
    Members {
        at: String,
        members: Vec<String>,
        /// Whether the list is certain to be complete. It is not if a record that it needs has expired, or is of a time
        /// when records did not say what came before.
        complete: bool,
    },
}

/// Evaluates an audit query.
///
/// # Errors
/// [`Error::InvalidValue`] for an invalid query, [`Error::NotFound`] for a group that neither exists nor has a
/// record, [`Error::TooMany`] if there are too many records to read for one response.
pub async fn query(directory: &Directory, query: AuditQuery) -> Result<AuditPage, Error> {
    let tenant = Tenant::named(&query.tenant);
    let tenant = tenant.ok_or_else(|| invalid("The tenant must be 1 to 64 of the characters a-z, 0-9 and -."))?;
    let first = directory.changes(&tenant, None, 1).await.map_err(to_client_error)?;
    let begins = first.changes.first().map(|first| first.at);
    // Boxed, because the futures of the reads are large, and each caller's future would hold them.
    let (result, next_token) = match &query.members_of {
        None => Box::pin(trail::query_changes(directory, &tenant, &query)).await?,
        Some(group) => {
            let group = id("membersOf", group)?;
            Box::pin(members::query_members(directory, &tenant, &group, &query)).await?
        }
    };
    Ok(AuditPage { result, trail_begins: begins.map(rfc3339), next_token })
}

fn invalid(detail: &str) -> Error {
    Error::InvalidValue(detail.to_owned())
}

fn id(name: &str, text: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(text)
        .ok_or_else(|| invalid(&format!("{name} must be the id of a user or a group, in lower case.")))
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|_| invalid(&format!("{name} must be an instant, for example 2026-01-31T00:00:00Z.")))
}

/// The requested limit, or the default one.
fn limit(requested: Option<usize>, default: usize, max: usize) -> Result<usize, Error> {
    match requested.unwrap_or(default) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(invalid(&format!("limit must be 1 to {max}."))),
    }
}

/// The id after which the records of this instant and later come.
fn id_before(at: Timestamp) -> Option<ResourceId> {
    first_change_id(u64::try_from(at.as_millisecond()).unwrap_or(0).saturating_sub(MAX_CLOCK_SKEW_MS))
}

/// The id after which all records about a resource come: none is older than the resource.
fn id_before_all_of(resource: &ResourceId) -> Option<ResourceId> {
    first_change_id(created_at_ms(resource)?.saturating_sub(MAX_CLOCK_SKEW_MS))
}

fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Whether the resource itself changed.
fn is_of(change: &Change, resource: &ResourceId) -> bool {
    change.resource == *resource
}
