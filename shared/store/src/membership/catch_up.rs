//! What has happened since: the change records, read from a moment on, say in few calls what many items would.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use protocol::event::{Change, ChangeType};
use schema::ResourceId;

use crate::changes::{created_at_ms, first_change_id};
use crate::key::Key;
use crate::membership::read::{Members, member};
use crate::read::batch::MAX_CONCURRENT;
use crate::{Directory, Error, Stored};

/// A record's id is made before its commit, by the clock of whoever commits: no commit takes longer than this, and no two clocks
/// differ by more.
const EARLIER: u64 = 120_000;

impl Directory {
    /// The changes of a tenant that were committed at this time or later, in milliseconds since 1970, and some from before it.
    async fn changes_since(&self, tenant: &Tenant, milliseconds: u64) -> Result<Vec<Change>, Error> {
        let first = first_change_id(milliseconds.saturating_sub(EARLIER));
        self.changes(tenant, first.as_ref(), usize::MAX).await
    }

    /// Who was deleted since this change was committed, and maybe some who were before.
    pub(crate) async fn deleted_since(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
    ) -> Result<BTreeSet<ResourceId>, Error> {
        let changes = self.changes_since(tenant, created_at_ms(change).unwrap_or_default()).await?;
        let deletes = changes.into_iter().filter(|change| change.verb == ChangeType::Deleted);
        Ok(deletes.map(|change| change.resource).collect())
    }

    /// From members that were read from `begun` on, when the group had the version `before`, to those of the version `now`;
    /// `None` if the records do not explain the difference.
    pub(crate) async fn caught_up(
        &self,
        tenant: &Tenant,
        mut members: Members,
        begun: u64,
        before: &Stored,
        now: &Stored,
    ) -> Result<Option<Members>, Error> {
        let is_pending = before.member_summary.pending.is_some() || now.member_summary.pending.is_some();
        if is_pending || before.version == now.version {
            return Ok(None);
        }
        let changes = self.changes_since(tenant, begun).await?;
        let Some(moves) = moves(&changes, before, now) else { return Ok(None) };
        // Also of those whose edges were seen: how they are shown may have changed since.
        let come = moves.iter().filter(|(_, is_there)| **is_there);
        let keys: Vec<Key> = come.map(|(id, _)| Key::member(tenant, &now.id, id)).collect();
        members.retain(|id, _| moves.get(id) != Some(&false));
        let come =
            stream::iter(keys.iter().map(|key| self.read(key)).collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT);
        for item in come.try_collect::<Vec<_>>().await?.into_iter().flatten() {
            let member = member(item)?;
            members.insert(member.id.clone(), member);
        }
        Ok(now.has_members(members.keys()).then_some(members))
    }
}

/// Who is a member after the versions between two, of those whom they are about; `None` if there is no record of one of them.
fn moves(changes: &[Change], before: &Stored, now: &Stored) -> Option<BTreeMap<ResourceId, bool>> {
    let (mut moves, mut version) = (BTreeMap::new(), before.version);
    let mut versions: BTreeMap<u64, &Change> = BTreeMap::new();
    for change in changes {
        let own = (change.resource == now.id).then_some(change.after).flatten();
        let left = change.left.iter().find(|left| left.group == now.id).and_then(|left| left.version);
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
