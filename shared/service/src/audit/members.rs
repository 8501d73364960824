//! Reconstructs the members of a group at an instant: from the current members, by undoing the changes since; or,
//! if the group is deleted, by applying its changes from the first one on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::event::{Change, ChangeType, MemberDelta};
use protocol::{Error, Tenant};
use schema::{Kind, ResourceId};
use store::{Directory, PendingChanges};

use super::page::AuditResult;
use super::query::{AuditQuery, instant, invalid, limit};
use super::records::{RECORDS_PER_READ, id_before, id_before_all_of};
use super::versions::Versions;
use crate::clock::rfc3339_ms;
use crate::error::to_client_error;

/// The maximum number of ids on a page: 400 KB of text.
const MAX_LIMIT: usize = protocol::limits::AUDIT_MEMBERS;
/// The longest time that one query reads records.
const READ_BUDGET: Duration = Duration::from_secs(240);

pub(super) async fn query_members(
    directory: &Directory,
    tenant: &Tenant,
    group: &ResourceId,
    query: &AuditQuery,
) -> Result<(AuditResult, Option<String>), Error> {
    if query.resource.is_some() || query.from.is_some() || query.to.is_some() {
        return Err(invalid("membersOf cannot be combined with resource, from or to. Use `at` for the instant."));
    }
    let at = instant("at", query.at.as_deref())?.unwrap_or_else(Timestamp::now);
    let limit = limit(query.limit, MAX_LIMIT, MAX_LIMIT)?;
    let history = GroupHistory { directory, tenant, group, at, until: Instant::now() + READ_BUDGET };
    let (members, complete) = match history.current().await? {
        Some(current) => history.undo(current).await?,
        None => history.replay().await?,
    };
    let after = query.next_token.as_deref().unwrap_or_default();
    let mut page: Vec<String> = members.iter().map(ToString::to_string).filter(|id| id.as_str() > after).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next_token = page.last().filter(|_| has_more).cloned();
    Ok((AuditResult::Members { at: rfc3339_ms(at), members: page, complete }, next_token))
}

/// Reads the history of one group's membership.
struct GroupHistory<'a> {
    directory: &'a Directory,
    tenant: &'a Tenant,
    group: &'a ResourceId,
    at: Timestamp,
    until: Instant,
}

/// The group as it is now.
struct CurrentGroup {
    created: Option<Timestamp>,
    last_modified: Option<Timestamp>,
    version: u64,
    members: BTreeSet<ResourceId>,
    /// The deletes of the tenant that are pending; deleted resources may still be among the members.
    pending_changes: PendingChanges,
}

/// The records about a group.
#[derive(Default)]
struct Records {
    /// In the order of the group's versions.
    changes: Vec<MembershipChange>,
    versions: Versions,
    /// All deleted resources, each with the time of its delete.
    deleted: BTreeMap<ResourceId, Timestamp>,
    /// Whether every record can be read.
    is_readable: bool,
}

/// A change of the group's members.
struct MembershipChange {
    version: Option<u64>,
    at: Timestamp,
    members: MemberDelta,
}

impl GroupHistory<'_> {
    /// The group and its members in the same version; `None` if there is no such group.
    async fn current(&self) -> Result<Option<CurrentGroup>, Error> {
        let pending_changes = self.directory.pending_changes(self.tenant).await.map_err(to_client_error)?;
        let group = self.directory.get(self.tenant, Kind::Group, self.group).await.map_err(to_client_error)?;
        let Some(group) = group else { return Ok(None) };
        let read = self.directory.members(self.tenant, group).await.map_err(to_client_error)?;
        Ok(read.map(|(group, members)| {
            let members = members.into_iter().map(|member| member.id).collect();
            CurrentGroup {
                created: group.created.parse().ok(),
                last_modified: group.last_modified.parse().ok(),
                version: group.version,
                members,
                pending_changes,
            }
        }))
    }

    /// Undoes the changes after the instant. That needs only the records since then, however old the group is.
    async fn undo(&self, current: CurrentGroup) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        if current.created.is_some_and(|created| created > self.at) {
            return Ok((BTreeSet::new(), true));
        }
        let Records { changes, deleted, versions, is_readable } = self.records(id_before(self.at)).await?;
        let mut members = current.members;
        let is_later = |change: &MembershipChange| {
            change.at > self.at && change.version.is_none_or(|version| version <= current.version)
        };
        for change in changes.into_iter().filter(is_later).rev() {
            for id in &change.members.added {
                members.remove(id);
            }
            members.extend(change.members.removed);
        }
        // A deleted resource is not a member from its delete on, even if the group's record of that is not written
        // yet.
        members.retain(|id| !current.pending_changes.hides(id) || deleted.get(id).is_some_and(|at| *at > self.at));
        let is_unchanged = current.last_modified.is_some_and(|last_modified| last_modified <= self.at);
        Ok((members, is_readable && (is_unchanged || versions.are_complete_since(current.version, self.at))))
    }

    /// Applies the changes until the instant, from the group's first record on.
    async fn replay(&self) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        let Records { changes, deleted, versions, is_readable } = self.records(id_before_all_of(self.group)).await?;
        let Some(end) = deleted.get(self.group) else {
            return Err(Error::NotFound(
                "There is no group with this id, and no record that there was one. Its records may have expired."
                    .to_owned(),
            ));
        };
        if *end <= self.at {
            return Ok((BTreeSet::new(), true));
        }
        let mut members = BTreeSet::new();
        for change in changes.into_iter().filter(|change| change.at <= self.at) {
            for id in &change.members.removed {
                members.remove(id);
            }
            members.extend(change.members.added);
        }
        members.retain(|id| deleted.get(id).is_none_or(|end| *end > self.at));
        Ok((members, is_readable && versions.are_complete_until(self.at)))
    }

    /// The records after an id.
    async fn records(&self, mut after: Option<ResourceId>) -> Result<Records, Error> {
        let mut records = Records { is_readable: true, ..Records::default() };
        loop {
            let page =
                self.directory.changes(self.tenant, after.as_ref(), RECORDS_PER_READ).await.map_err(to_client_error)?;
            records.is_readable &= page.unreadable.is_empty();
            let page = page.changes;
            let is_last = page.len() < RECORDS_PER_READ;
            after = page.last().map(|last| last.id.clone()).or(after);
            for change in page {
                records.versions.add(&change, self.group);
                if change.change_type == ChangeType::Deleted {
                    records.deleted.insert(change.resource.clone(), change.at);
                }
                records.changes.extend(self.membership_change(change).await?);
            }
            if is_last {
                break;
            }
            if Instant::now() > self.until {
                return Err(Error::TooMany(
                    "There are more records since that instant than one query can read. Ask for a later instant."
                        .to_owned(),
                ));
            }
        }
        // A change without a version keeps its place in the order of the records.
        let mut last = 0;
        for change in &mut records.changes {
            last = change.version.unwrap_or(last);
            change.version = change.version.or(Some(last));
        }
        records.changes.sort_by_key(|change| change.version);
        Ok(records)
    }

    /// The change of the group's members that a record describes, if any.
    async fn membership_change(&self, change: Change) -> Result<Option<MembershipChange>, Error> {
        let at = change.at;
        if let Some(exit) = change.group_exits.iter().find(|exit| exit.group == *self.group) {
            let members = MemberDelta { added: Vec::new(), removed: vec![change.resource] };
            return Ok(Some(MembershipChange { version: exit.version, at, members }));
        }
        if change.resource != *self.group {
            return Ok(None);
        }
        let mut members = change.members;
        if change.is_chunked {
            for chunk in self.directory.chunks_of_change(self.tenant, &change.id).await.map_err(to_client_error)? {
                members.added.extend(chunk.added);
                members.removed.extend(chunk.removed);
            }
        }
        Ok((!members.is_empty()).then_some(MembershipChange { version: change.after, at, members }))
    }
}
