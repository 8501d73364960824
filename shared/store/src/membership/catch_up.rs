//! Catching up with changes that are committed while edges are read: reading a few change records replaces reading
//! many items again.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use protocol::event::{Change, ChangeType};
use schema::ResourceId;

use super::read::{Members, member};
use crate::changes::{created_at_ms, first_change_id};
use crate::key::Key;
use crate::{Directory, Error, Stored};

/// The id of a record is generated before its commit, from the clock of the process that commits. No commit takes
/// longer than this, and no two clocks differ by more.
const MAX_CLOCK_SKEW_MS: u64 = 120_000;
/// The number of edges that are read at the same time.
const MAX_CONCURRENT_READS: usize = 8;

impl Directory {
    /// The changes of a tenant that were committed at this time or later, in milliseconds since 1970, and some from
    /// before it.
    async fn changes_since(&self, tenant: &Tenant, since_ms: u64) -> Result<Vec<Change>, Error> {
        let first = first_change_id(since_ms.saturating_sub(MAX_CLOCK_SKEW_MS));
        self.changes(tenant, first.as_ref(), usize::MAX).await
    }

    /// The resources that were deleted after this change was committed, and some that were deleted before.
    pub(super) async fn deleted_since(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
    ) -> Result<BTreeSet<ResourceId>, Error> {
        let changes = self.changes_since(tenant, created_at_ms(change).unwrap_or_default()).await?;
        let deletes = changes.into_iter().filter(|change| change.change_type == ChangeType::Deleted);
        Ok(deletes.map(|change| change.resource).collect())
    }

    /// Brings members that were read after `read_from_ms`, when the group had the version `before`, up to the
    /// version `now`. Returns `None` if the records do not explain the difference.
    pub(super) async fn replay_changes(
        &self,
        tenant: &Tenant,
        mut members: Members,
        read_from_ms: u64,
        before: &Stored,
        now: &Stored,
    ) -> Result<Option<Members>, Error> {
        let is_pending = before.member_summary.pending.is_some() || now.member_summary.pending.is_some();
        if is_pending || before.version == now.version {
            return Ok(None);
        }
        let changes = self.changes_since(tenant, read_from_ms).await?;
        let Some(moves) = membership_moves(&changes, before, now) else { return Ok(None) };
        // Members whose edges were read already are read again, because their display names may have changed.
        let present = moves.iter().filter(|(_, is_member)| **is_member);
        let keys: Vec<Key> = present.map(|(id, _)| Key::member(tenant, &now.id, id)).collect();
        members.retain(|id, _| moves.get(id) != Some(&false));
        let reads: Vec<_> = keys.iter().map(|key| self.read(key)).collect();
        let items: Vec<_> = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_READS).try_collect().await?;
        for item in items.into_iter().flatten() {
            let member = member(item)?;
            members.insert(member.id.clone(), member);
        }
        Ok(now.has_members(members.keys()).then_some(members))
    }
}

/// The members that the changes between two versions of a group add or remove, each with whether it is a member
/// afterwards. Returns `None` if the record of one of these versions is missing or does not name its members.
fn membership_moves(changes: &[Change], before: &Stored, now: &Stored) -> Option<BTreeMap<ResourceId, bool>> {
    let mut moves = BTreeMap::new();
    let mut version = before.version;
    let mut versions: BTreeMap<u64, &Change> = BTreeMap::new();
    for change in changes {
        let own = (change.resource == now.id).then_some(change.after).flatten();
        let left = change.group_exits.iter().find(|left| left.group == now.id).and_then(|left| left.version);
        versions.extend(own.or(left).map(|version| (version, change)));
    }
    for (after, change) in versions.range(before.version + 1..=now.version) {
        if *after != version + 1 || change.is_chunked {
            return None;
        }
        version = *after;
        if change.resource == now.id {
            moves.extend(change.members.added.iter().chain(&change.display_updated).map(|id| (id.clone(), true)));
            moves.extend(change.members.removed.iter().map(|id| (id.clone(), false)));
        } else {
            moves.insert(change.resource.clone(), false);
        }
    }
    (version == now.version).then_some(moves)
}
