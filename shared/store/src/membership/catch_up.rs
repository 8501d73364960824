//! Catching up with changes that are committed while edges are read: reading a few change records replaces reading many
//! items again. How many records are read depends on the group and not on other changes of the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use protocol::event::{Change, ChangeType};
use schema::{Kind, ResourceId};

use super::member::{Member, MemberMap};
use crate::changes::{change_of_item, created_at_ms, first_change_id};
use crate::key::{self, Key};
use crate::read::query::{CollectionQuery, items_per_query, send_query};
use crate::{ChangePage, Directory, Error, StoredResource};

/// The id of a record is generated before its commit, from the clock of the process that commits. No commit takes
/// longer than this, and no two clocks differ by more.
const MAX_CLOCK_SKEW_MS: u64 = 120_000;
/// The number of items that are read by their keys at the same time.
const MAX_CONCURRENT_READS: usize = 8;
/// The number of records that cost as much as one member that is read by its key, and the number that is read in any
/// case.
const RECORDS_PER_MEMBER: usize = 10;
const MIN_RECORDS: usize = 1000;
/// The number of records that are read at a time, the latest first, and how many times.
const LATEST_RECORDS: usize = 100;
const MAX_READS_OF_LATEST: usize = 40;

impl Directory {
    /// The members among `ids` that were deleted after this change, which adds them, was committed.
    pub(super) async fn deleted_since(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
        ids: &[ResourceId],
    ) -> Result<BTreeSet<ResourceId>, Error> {
        let added: BTreeSet<&ResourceId> = ids.iter().collect();
        let mut after = first_id_since(created_at_ms(change).unwrap_or_default());
        let mut deleted = BTreeSet::new();
        for _ in 0..(ids.len() * RECORDS_PER_MEMBER).div_ceil(MIN_RECORDS) {
            let ChangePage { changes: page, unreadable } = self.changes(tenant, after.as_ref(), MIN_RECORDS).await?;
            if !unreadable.is_empty() {
                // Each may be the record of a delete.
                break;
            }
            let is_last = page.len() < MIN_RECORDS;
            after = page.last().map(|change| change.id.clone());
            let deletes = page.into_iter().filter(|change| change.change_type == ChangeType::Deleted);
            deleted.extend(deletes.map(|change| change.resource).filter(|id| added.contains(id)));
            if is_last {
                return Ok(deleted);
            }
        }
        self.absent(tenant, ids).await
    }

    /// The ids that no resource has. It needs no right but that of reading an item.
    async fn absent(&self, tenant: &Tenant, ids: &[ResourceId]) -> Result<BTreeSet<ResourceId>, Error> {
        let mut absent: BTreeSet<ResourceId> = ids.iter().cloned().collect();
        for kind in Kind::ALL {
            let keys: Vec<Key> = absent.iter().map(|id| Key::resource(tenant, kind, id)).collect();
            let reads: Vec<_> = keys.iter().map(|key| self.read(key)).collect();
            let items: Vec<_> = stream::iter(reads).buffered(MAX_CONCURRENT_READS).try_collect().await?;
            let mut is_found = items.iter().map(Option::is_some);
            absent.retain(|_| !is_found.next().unwrap_or(false));
        }
        Ok(absent)
    }

    /// Brings members that were read after `read_from_ms`, when the group had the version `before`, up to the
    /// version `now`. Returns `None` if the records do not explain the difference.
    pub(super) async fn replay_changes(
        &self,
        tenant: &Tenant,
        mut members: MemberMap,
        read_from_ms: u64,
        before: &StoredResource,
        now: &StoredResource,
    ) -> Result<Option<MemberMap>, Error> {
        let is_pending = before.member_summary.pending.is_some() || now.member_summary.pending.is_some();
        if is_pending || before.version >= now.version {
            return Ok(None);
        }
        let versions = before.version + 1..=now.version;
        let Some(records) = self.latest_records(tenant, &now.id, read_from_ms, versions).await? else {
            return Ok(None);
        };
        let Some(moves) = membership_moves(records.values(), &now.id) else { return Ok(None) };
        // Members whose edges were read already are read again, because their display names may have changed.
        let present = moves.iter().filter(|(_, is_member)| **is_member);
        let keys: Vec<Key> = present.map(|(id, _)| Key::member(tenant, &now.id, id)).collect();
        members.retain(|id, _| moves.get(id) != Some(&false));
        let reads: Vec<_> = keys.iter().map(|key| self.read(key)).collect();
        let items: Vec<_> = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_READS).try_collect().await?;
        for item in items.into_iter().flatten() {
            let member = Member::from_item(item)?;
            members.insert(member.id.clone(), member);
        }
        Ok(now.has_members(members.keys()).then_some(members))
    }

    /// Whether the latest change of a group that names a member adds it, or removes it; `None` if no such record is
    /// among the latest ones of the tenant.
    pub(crate) async fn latest_membership(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        member: &ResourceId,
    ) -> Result<Option<bool>, Error> {
        let query = CollectionQuery::all(key::changes(tenant));
        let request = self.query_request(&query).scan_index_forward(false).limit(items_per_query(MIN_RECORDS));
        let mut from = None;
        for _ in 0..MAX_READS_OF_LATEST {
            let response = send_query(|| request.clone().set_exclusive_start_key(from.clone())).await?;
            for item in response.items.unwrap_or_default() {
                let change = change_of_item(item)?;
                if let Some(is_member) = self.membership_after(tenant, &change, group, member).await? {
                    return Ok(Some(is_member));
                }
            }
            from = response.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Whether a member is one after a change; `None` if the change does not name it.
    async fn membership_after(
        &self,
        tenant: &Tenant,
        change: &Change,
        group: &ResourceId,
        member: &ResourceId,
    ) -> Result<Option<bool>, Error> {
        if change.resource == *member && change.group_exits.iter().any(|exit| exit.group == *group) {
            return Ok(Some(false));
        }
        if change.resource != *group {
            return Ok(None);
        }
        if !change.is_chunked {
            let names = |ids: &[ResourceId]| ids.contains(member);
            return Ok(match (names(&change.members.added), names(&change.members.removed)) {
                (false, false) => None,
                (is_added, _) => Some(is_added),
            });
        }
        let Some(chunk) = self.chunk_about(tenant, &change.id, member).await? else { return Ok(None) };
        let names = |members: &[Member]| members.iter().any(|one| one.id == *member);
        Ok(match (names(&chunk.edges.add) || names(&chunk.edges.update), names(&chunk.edges.remove)) {
            (false, false) => None,
            (is_added, _) => Some(is_added),
        })
    }

    /// The records of these versions of a group, which were committed at this time or later, in milliseconds since
    /// 1970. Returns `None` if one of them is not among the latest records of the tenant. It reads backwards, because
    /// the records were written a moment ago.
    async fn latest_records(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        since_ms: u64,
        versions: RangeInclusive<u64>,
    ) -> Result<Option<BTreeMap<u64, Change>>, Error> {
        let first = first_id_since(since_ms);
        let all = CollectionQuery::all(key::changes(tenant));
        let query = CollectionQuery { after: first.as_ref().map(ResourceId::as_str), ..all };
        let request = self.query_request(&query).scan_index_forward(false).limit(items_per_query(LATEST_RECORDS));
        let mut found = BTreeMap::new();
        let mut from = None;
        for _ in 0..MAX_READS_OF_LATEST {
            let response = send_query(|| request.clone().set_exclusive_start_key(from.clone())).await?;
            for item in response.items.unwrap_or_default() {
                // A record that cannot be read may be of one of the versions. Then that version is not found.
                let Ok(change) = change_of_item(item) else { continue };
                if let Some(version) = version_of(&change, group).filter(|version| versions.contains(version)) {
                    found.insert(version, change);
                }
            }
            if versions.clone().all(|version| found.contains_key(&version)) {
                return Ok(Some(found));
            }
            from = response.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(None)
    }
}

/// The id after which the records of changes come that were committed at this time or later, in milliseconds since
/// 1970.
fn first_id_since(since_ms: u64) -> Option<ResourceId> {
    first_change_id(since_ms.saturating_sub(MAX_CLOCK_SKEW_MS))
}

/// The version of the group that a change made, if it changed the group.
fn version_of(change: &Change, group: &ResourceId) -> Option<u64> {
    let exit = change.group_exits.iter().find(|exit| exit.group == *group);
    if change.resource == *group { change.after } else { exit?.version }
}

/// The members that changes of a group add or remove, each with whether it is a member afterwards. Returns `None` if a
/// record does not name its members.
fn membership_moves<'a>(
    changes: impl Iterator<Item = &'a Change>,
    group: &ResourceId,
) -> Option<BTreeMap<ResourceId, bool>> {
    let mut moves = BTreeMap::new();
    for change in changes {
        if change.is_chunked {
            return None;
        }
        if change.resource == *group {
            moves.extend(change.members.added.iter().chain(&change.display_updated).map(|id| (id.clone(), true)));
            moves.extend(change.members.removed.iter().map(|id| (id.clone(), false)));
        } else {
            moves.insert(change.resource.clone(), false);
        }
    }
    Some(moves)
}
