//! Finds the change records of a period, of one resource or of all.

use protocol::event::{Change, MemberDelta};
use protocol::{Error, Tenant};
use schema::ResourceId;
use store::{Directory, created_at_ms};

use super::page::AuditResult;
use super::query::{AuditQuery, id, instant, invalid, limit};
use super::record::{AuditRecord, MemberCounts, MemberIds};
use super::records::{RECORDS_PER_READ, id_before, id_before_all_of};
use crate::error::to_client_error;

/// The number of records, and chunks of records, after which a query returns the changes that it has found.
const MAX_RECORDS_SCANNED: usize = protocol::limits::AUDIT_RECORDS;
const DEFAULT_LIMIT: usize = protocol::limits::DEFAULT_AUDIT_CHANGES;
const MAX_LIMIT: usize = protocol::limits::AUDIT_CHANGES;
/// The most milliseconds by which a record may be younger than its change, if the change follows from another one: as
/// long as the queue of failed events keeps an event.
const MAX_RECORD_LAG_MS: u64 = 14 * 24 * 60 * 60 * 1000;

pub(super) async fn query_changes(
    directory: &Directory,
    tenant: &Tenant,
    query: &AuditQuery,
) -> Result<(AuditResult, Option<String>), Error> {
    if query.at.is_some() {
        return Err(invalid("`at` requires membersOf. Use from and to for changes."));
    }
    let search = Search::new(tenant, query)?;
    let mut changes = Vec::new();
    let mut unreadable = Vec::new();
    let mut scanned = 0;
    let mut after = search.start(query)?;
    loop {
        let page = directory.changes(tenant, after.as_ref(), RECORDS_PER_READ).await.map_err(to_client_error)?;
        let is_last = page.changes.len() < RECORDS_PER_READ;
        unreadable.extend(page.unreadable);
        for change in page.changes {
            if search.is_past(&change) {
                return Ok((AuditResult::Changes { changes, unreadable }, None));
            }
            let chunks = search.chunks(directory, &change).await?;
            scanned += 1 + chunks.len();
            after = Some(change.id.clone());
            changes.extend(search.record_of(change, &chunks));
            if changes.len() == search.limit || scanned >= MAX_RECORDS_SCANNED {
                return Ok((AuditResult::Changes { changes, unreadable }, after.map(|id| id.to_string())));
            }
        }
        if is_last {
            return Ok((AuditResult::Changes { changes, unreadable }, None));
        }
    }
}

struct Search<'a> {
    tenant: &'a Tenant,
    resource: Option<ResourceId>,
    from: Option<jiff::Timestamp>,
    to: Option<jiff::Timestamp>,
    limit: usize,
}

impl<'a> Search<'a> {
    fn new(tenant: &'a Tenant, query: &AuditQuery) -> Result<Self, Error> {
        Ok(Self {
            tenant,
            resource: query.resource.as_deref().map(|text| id("resource", text)).transpose()?,
            from: instant("from", query.from.as_deref())?,
            to: instant("to", query.to.as_deref())?,
            limit: limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
        })
    }

    /// The id after which the first record can be.
    fn start(&self, query: &AuditQuery) -> Result<Option<ResourceId>, Error> {
        if let Some(token) = &query.next_token {
            return ResourceId::parse(token)
                .map(Some)
                .ok_or_else(|| invalid("nextToken is not valid. Send the nextToken of the previous response."));
        }
        Ok(self.from.and_then(id_before).max(self.resource.as_ref().and_then(id_before_all_of)))
    }

    /// Whether neither this record nor a later one can belong to the period of the query.
    fn is_past(&self, change: &Change) -> bool {
        let last = self.to.and_then(|to| u64::try_from(to.as_millisecond()).ok());
        last.zip(created_at_ms(&change.id)).is_some_and(|(last, made)| made > last.saturating_add(MAX_RECORD_LAG_MS))
    }

    /// The chunks of a record, if the record belongs to the period of the query.
    async fn chunks(&self, directory: &Directory, change: &Change) -> Result<Vec<MemberDelta>, Error> {
        if !change.is_chunked || !self.is_in_period(change) {
            return Ok(Vec::new());
        }
        directory.chunks_of_change(self.tenant, &change.id).await.map_err(to_client_error)
    }

    fn is_in_period(&self, change: &Change) -> bool {
        self.from.is_none_or(|from| from <= change.at) && self.to.is_none_or(|to| change.at <= to)
    }

    /// The record for the result; `None` if it is outside the period of the query, or not about its resource.
    fn record_of(&self, change: Change, chunks: &[MemberDelta]) -> Option<AuditRecord> {
        let inline = std::slice::from_ref(&change.members);
        let mut members = MemberIds::of(if change.is_chunked { chunks } else { inline });
        let mut counted = None;
        match self.resource.as_ref().filter(|resource| change.resource != **resource) {
            Some(other) => {
                members.keep(other);
                let is_left = change.group_exits.iter().any(|exit| exit.group == *other);
                if members.is_empty() && !is_left {
                    return None;
                }
            }
            None if change.is_chunked => {
                counted = Some(MemberCounts { added: members.added.len(), removed: members.removed.len() });
                members = MemberIds::default();
            }
            None => {}
        }
        self.is_in_period(&change).then(|| AuditRecord::new(change, members, counted))
    }
}
