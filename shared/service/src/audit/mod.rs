//! Evaluates audit queries on the change records: the changes of a resource, and the members of a group at an
//! instant.
//!
//! Records are kept for a limited time. They contain ids and attribute names, and no values except a user's
//! `active`. One query reads a bounded number of them.

mod members;
mod page;
mod query;
mod record;
mod records;
mod trail;
mod versions;

use protocol::{Error, Tenant};
use store::Directory;

use crate::clock::rfc3339_ms;
use crate::error::to_client_error;
use query::{id, invalid};

pub use page::{AuditPage, AuditResult};
pub use query::AuditQuery;
pub use record::{AuditRecord, GroupExitRecord, MemberCounts};

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
    Ok(AuditPage { result, trail_begins: begins.map(rfc3339_ms), next_token })
}
