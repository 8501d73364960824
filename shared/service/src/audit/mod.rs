//! What the change records tell: what happened to a resource, and who was in a group at an instant.
//!
//! Records are kept for a time, and name ids and attributes, never values. One call reads a bounded number of them.

mod members;
mod trail;

use jiff::Timestamp;
use protocol::event::Change;
use protocol::{Error, Tenant};
use schema::ResourceId;
use serde::{Deserialize, Serialize};
use store::{Directory, created_at_ms, first_change_id};

use crate::error::to_client_error;

pub use trail::{AuditRecord, LeftGroup, MemberCounts};

/// How many records are read at a time.
const PAGE: usize = 1000;
/// By so many milliseconds the clock of one writer may be behind that of another.
const SKEW: u64 = 5 * 60 * 1000;

/// What an operator asks: what happened, to one resource or to all; or who was in a group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    pub tenant: String,
    /// The id of a user or a group; everybody's changes if absent.
    #[serde(default)]
    pub resource: Option<String>,
    /// The first instant, RFC 3339.
    #[serde(default)]
    pub from: Option<String>,
    /// The last instant, RFC 3339.
    #[serde(default)]
    pub to: Option<String>,
    /// The id of a group whose members are asked for, instead of changes.
    #[serde(default)]
    pub members_of: Option<String>,
    /// The instant at which they were members, RFC 3339; now if absent.
    #[serde(default)]
    pub at: Option<String>,
    /// How many changes, or members, an answer has at the most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// From the last answer, to go on after it.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What there is to tell.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    #[serde(flatten)]
    pub told: AuditResult,
    /// Where the trail begins: of what was before, nothing is kept. Absent if there is no record at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail_begins: Option<String>,
    /// There is more, or may be: the same question with this goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum AuditResult {
    /// The earliest first.
    Changes { changes: Vec<AuditRecord> },
    /// The ids of the members, in their order.
    Members {
        at: String,
        members: Vec<String>,
        /// Whether that is certain. If not, the trail begins too late.
        complete: bool,
    },
}

/// Answers a question of an operator's.
///
/// # Errors
/// [`Error::InvalidValue`] for a question that is none, [`Error::NotFound`] for a group of which there is no trace,
/// [`Error::TooMany`] if there is too much to read for one answer.
pub async fn query(directory: &Directory, question: AuditQuery) -> Result<AuditPage, Error> {
    let tenant = Tenant::named(&question.tenant);
    let tenant = tenant.ok_or_else(|| wrong("The tenant must be 1 to 64 of the characters a-z, 0-9 and -."))?;
    let begins = directory.changes(&tenant, None, 1).await.map_err(to_client_error)?.first().map(|first| first.at);
    let (told, next_token) = match &question.members_of {
        None => trail::tell(directory, &tenant, &question).await?,
        Some(group) => members::tell(directory, &tenant, &id("membersOf", group)?, &question, begins).await?,
    };
    Ok(AuditPage { told, trail_begins: begins.map(text), next_token })
}

fn wrong(problem: &str) -> Error {
    Error::InvalidValue(problem.to_owned())
}

fn id(name: &str, text: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(text).ok_or_else(|| wrong(&format!("{name} must be the id of a user or a group, in lower case.")))
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|_| wrong(&format!("{name} must be an instant like 2026-01-31T00:00:00Z.")))
}

/// So many, if that is allowed, or as many as usual.
fn limit(wanted: Option<usize>, usual: usize, most: usize) -> Result<usize, Error> {
    match wanted.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(wrong(&format!("limit must be 1 to {most}."))),
    }
}

/// The records of this instant and later come after this id.
fn before(at: Timestamp) -> Option<ResourceId> {
    first_change_id(u64::try_from(at.as_millisecond()).unwrap_or(0).saturating_sub(SKEW))
}

/// Every record about a resource comes after this id: none is older than the resource.
fn before_all_of(resource: &ResourceId) -> Option<ResourceId> {
    first_change_id(created_at_ms(resource)?.saturating_sub(SKEW))
}

fn text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Whether the change is one of the resource itself.
fn is_of(change: &Change, resource: &ResourceId) -> bool {
    change.resource == *resource
}
