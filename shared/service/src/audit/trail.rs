//! What happened: the records of a time, of one resource or of all.

use protocol::event::{Change, GroupExit, MemberDelta};
use protocol::{Error, Tenant};
use schema::{Kind, ResourceId};
use serde::Serialize;
use store::{Directory, created_at_ms};

use super::{AuditQuery, AuditResult, PAGE, before, before_all_of, id, instant, is_of, limit, text, wrong};
use crate::error::to_client_error;

/// One call looks at about so many records, and parts of records.
const LOOKED_AT: usize = 10_000;
const USUAL: usize = 100;
const MOST: usize = 1000;
/// A record may be so many milliseconds younger than the change that it tells of, whose cause was another one.
const LATE: u64 = 60 * 60 * 1000;

/// One change, as an operator reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The id of the change, which is the `txn` of its events.
    pub id: String,
    pub at: String,
    /// The id of the token with which it was asked for; `TokensList` says whose it is.
    pub token: String,
    /// `user.updated` and so on.
    pub what: String,
    /// The id of the resource that changed.
    pub resource: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_after: Option<u64>,
    /// Whether a user was deactivated (false) or reactivated (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Who joined a group. Where the question is about somebody else than the group, that one alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members_added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members_removed: Vec<String>,
    /// Of a change that is too large to be listed, how many joined and how many left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_counted: Option<MemberCounts>,
    /// The groups that it left by its end, with their versions since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups_left: Vec<LeftGroup>,
}

/// A group that lost its member.
#[derive(Debug, Serialize)]
pub struct LeftGroup {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl From<GroupExit> for LeftGroup {
    fn from(left: GroupExit) -> Self {
        Self { id: left.group.to_string(), version: left.version }
    }
}

/// How many members joined and left.
#[derive(Debug, Serialize)]
pub struct MemberCounts {
    pub added: usize,
    pub removed: usize,
}

pub(super) async fn tell(
    directory: &Directory,
    tenant: &Tenant,
    question: &AuditQuery,
) -> Result<(AuditResult, Option<String>), Error> {
    if question.at.is_some() {
        return Err(wrong("`at` goes with membersOf; for changes there are from and to."));
    }
    let search = Search::new(tenant, question)?;
    let (mut changes, mut looked_at, mut after) = (Vec::new(), 0, search.start(question)?);
    loop {
        let page = directory.changes(tenant, after.as_ref(), PAGE).await.map_err(to_client_error)?;
        let is_last = page.len() < PAGE;
        for change in page {
            if search.is_past(&change) {
                return Ok((AuditResult::Changes { changes }, None));
            }
            let parts = search.parts(directory, &change).await?;
            looked_at += 1 + parts.len();
            after = Some(change.id.clone());
            changes.extend(search.told(change, &parts));
            if changes.len() == search.limit || looked_at >= LOOKED_AT {
                return Ok((AuditResult::Changes { changes }, after.map(|id| id.to_string())));
            }
        }
        if is_last {
            return Ok((AuditResult::Changes { changes }, None));
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
    fn new(tenant: &'a Tenant, question: &AuditQuery) -> Result<Self, Error> {
        Ok(Self {
            tenant,
            resource: question.resource.as_deref().map(|text| id("resource", text)).transpose()?,
            from: instant("from", question.from.as_deref())?,
            to: instant("to", question.to.as_deref())?,
            limit: limit(question.limit, USUAL, MOST)?,
        })
    }

    /// The id after which the first record can be.
    fn start(&self, question: &AuditQuery) -> Result<Option<ResourceId>, Error> {
        if let Some(token) = &question.next_token {
            return ResourceId::parse(token).map(Some).ok_or_else(|| wrong("nextToken is none of an earlier answer."));
        }
        Ok(self.from.and_then(before).max(self.resource.as_ref().and_then(before_all_of)))
    }

    /// Whether neither this record nor a later one can be of the time that was asked for.
    fn is_past(&self, change: &Change) -> bool {
        let last = self.to.and_then(|to| u64::try_from(to.as_millisecond()).ok());
        last.zip(created_at_ms(&change.id)).is_some_and(|(last, made)| made > last.saturating_add(LATE))
    }

    /// The parts of a record that has to be looked at with them.
    async fn parts(&self, directory: &Directory, change: &Change) -> Result<Vec<MemberDelta>, Error> {
        if !change.is_chunked || !self.is_of_the_time(change) {
            return Ok(Vec::new());
        }
        directory.chunks_of_change(self.tenant, &change.id).await.map_err(to_client_error)
    }

    fn is_of_the_time(&self, change: &Change) -> bool {
        self.from.is_none_or(|from| from <= change.at) && self.to.is_none_or(|to| change.at <= to)
    }

    /// What is told of a record; nothing, if it is about something else.
    fn told(&self, change: Change, parts: &[MemberDelta]) -> Option<AuditRecord> {
        let whole = std::slice::from_ref(&change.members);
        let mut members = Members::of(if change.is_chunked { parts } else { whole });
        let mut counted = None;
        match self.resource.as_ref().filter(|resource| !is_of(&change, resource)) {
            Some(other) => {
                members.keep(other);
                let left = change.left.iter().any(|left| left.group == *other);
                if members.is_empty() && !left {
                    return None;
                }
            }
            None if change.is_chunked => {
                counted = Some(MemberCounts { added: members.added.len(), removed: members.removed.len() });
                members = Members::default();
            }
            None => {}
        }
        self.is_of_the_time(&change).then(|| AuditRecord::new(change, members, counted))
    }
}

#[derive(Default)]
struct Members {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Members {
    fn of(parts: &[MemberDelta]) -> Self {
        Self {
            added: parts.iter().flat_map(|part| &part.added).map(ToString::to_string).collect(),
            removed: parts.iter().flat_map(|part| &part.removed).map(ToString::to_string).collect(),
        }
    }

    fn keep(&mut self, one: &ResourceId) {
        for ids in [&mut self.added, &mut self.removed] {
            ids.retain(|id| id == one.as_str());
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl AuditRecord {
    fn new(change: Change, members: Members, members_counted: Option<MemberCounts>) -> Self {
        let kind = match change.kind {
            Kind::User => "user",
            Kind::Group => "group",
        };
        Self {
            id: change.id.to_string(),
            at: text(change.at),
            token: change.token,
            what: format!("{kind}.{}", change.verb.name()),
            resource: change.resource.to_string(),
            attributes: change.attributes,
            version_before: change.before,
            version_after: change.after,
            active: change.active,
            members_added: members.added,
            members_removed: members.removed,
            members_counted,
            groups_left: change.left.into_iter().map(LeftGroup::from).collect(),
        }
    }
}
