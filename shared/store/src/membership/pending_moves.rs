//! The effect of pending changes on members: the groups that each joins and leaves, by chunks that are not applied, or
//! were applied a moment ago.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::ResourceId;

use super::chunk::{Chunk, chunk};
use super::state::{PendingChange, PendingChanges};
use crate::clock::now_seconds;
use crate::directory::TORN_TIME;
use crate::key::{self, Key};
use crate::read::query::CollectionQuery;
use crate::{Directory, Error};

/// The number of pending changes that are read at the same time, and of members for each.
const MAX_CONCURRENT_CHANGES: usize = 8;
const MAX_CONCURRENT_MEMBERS: usize = 4;
/// The number of chunks that cost as much to read one after the other as the chunk of one member.
const CHUNKS_PER_MEMBER: usize = 4;

/// The groups that a member joins and leaves.
#[derive(Debug, Default)]
pub(super) struct MembershipMoves {
    pub(super) joined: BTreeSet<ResourceId>,
    left: BTreeSet<ResourceId>,
}

impl MembershipMoves {
    /// The groups of a member that has edges to `groups`.
    pub(super) fn apply_to(self, groups: Vec<ResourceId>) -> Vec<ResourceId> {
        let stay = groups.into_iter().filter(|group| !self.left.contains(group));
        let groups: BTreeSet<ResourceId> = stay.chain(self.joined).collect();
        groups.into_iter().collect()
    }
}

/// Whether a change adds a member or removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MembershipMove {
    Joins,
    Leaves,
    /// The chunk was applied so recently that the edge of the same transaction may not be visible yet.
    Unclear,
}

impl Directory {
    /// The effect of the pending changes on these members.
    pub(super) async fn pending_moves(
        &self,
        tenant: &Tenant,
        members: &BTreeSet<&ResourceId>,
        pending_changes: &PendingChanges,
    ) -> Result<BTreeMap<ResourceId, MembershipMoves>, Error> {
        let reads: Vec<_> =
            pending_changes.changes.iter().map(|change| self.moves_of_change(tenant, change, members)).collect();
        let mut reads = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_CHANGES);
        let mut moves = BTreeMap::<ResourceId, MembershipMoves>::new();
        while let Some((group, members)) = reads.try_next().await? {
            for (member, joins) in members {
                let moves = moves.entry(member).or_default();
                if joins { &mut moves.joined } else { &mut moves.left }.insert(group.clone());
            }
        }
        Ok(moves)
    }

    /// The group of a pending change, and the members among these that the change adds (`true`) or removes.
    async fn moves_of_change<'c>(
        &self,
        tenant: &Tenant,
        change: &'c PendingChange,
        members: &BTreeSet<&ResourceId>,
    ) -> Result<(&'c ResourceId, BTreeMap<ResourceId, bool>), Error> {
        let of_chunk = |chunk: &Chunk| self.moves_of_chunk(chunk, members);
        let moves: Vec<Vec<(ResourceId, MembershipMove)>> = if change.chunks <= members.len() * CHUNKS_PER_MEMBER {
            self.moves_of_all_chunks(tenant, change, of_chunk).await?
        } else {
            let reads: Vec<_> = members.iter().map(|member| self.chunk_about(tenant, &change.id, member)).collect();
            let chunks = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_MEMBERS);
            chunks.map_ok(|chunk| chunk.as_ref().map(of_chunk).unwrap_or_default()).try_collect().await?
        };
        let mut certain = BTreeMap::new();
        for (member, it) in moves.into_iter().flatten() {
            let joins = match it {
                MembershipMove::Unclear => self.is_member(tenant, &change.group, &member).await?,
                it => it == MembershipMove::Joins,
            };
            certain.insert(member, joins);
        }
        Ok((&change.group, certain))
    }

    /// The effect of all chunks of a change on these members, including chunks that were split off and that a query
    /// does not show yet.
    async fn moves_of_all_chunks(
        &self,
        tenant: &Tenant,
        change: &PendingChange,
        of_chunk: impl Fn(&Chunk) -> Vec<(ResourceId, MembershipMove)>,
    ) -> Result<Vec<Vec<(ResourceId, MembershipMove)>>, Error> {
        let read = |chunk: &Chunk| (chunk.key.clone(), chunk.split_off_keys().collect::<Vec<_>>(), of_chunk(chunk));
        let query = CollectionQuery::all(key::chunks(tenant, &change.id));
        let chunks = self.query_as(query, None, |item| Ok(read(&chunk(tenant, &change.id, item)?))).await?;
        let mut keys: BTreeSet<Key> = chunks.iter().map(|(key, ..)| key.clone()).collect();
        let mut split_off: Vec<Key> = chunks.iter().flat_map(|(_, split_off, _)| split_off.clone()).collect();
        let mut moves: Vec<Vec<(ResourceId, MembershipMove)>> = chunks.into_iter().map(|(.., moves)| moves).collect();
        while let Some(key) = split_off.pop() {
            if !keys.insert(key.clone()) {
                continue;
            }
            if let Some(chunk) = self.split_off_chunk(&key).await? {
                split_off.extend(chunk.split_off_keys());
                moves.push(of_chunk(&chunk));
            }
        }
        Ok(moves)
    }

    fn moves_of_chunk(&self, chunk: &Chunk, members: &BTreeSet<&ResourceId>) -> Vec<(ResourceId, MembershipMove)> {
        if chunk.applied && !self.may_be_torn(chunk) {
            return Vec::new();
        }
        let joins = chunk.edges.add.iter().map(|member| (&member.id, MembershipMove::Joins));
        let leaves = chunk.edges.remove.iter().map(|member| (&member.id, MembershipMove::Leaves));
        let moves = joins.chain(leaves).filter(|(member, _)| members.contains(member));
        moves.map(|(member, it)| (member.clone(), if chunk.applied { MembershipMove::Unclear } else { it })).collect()
    }

    /// Whether a chunk was applied so recently that DynamoDB may not show everything yet that the same transaction has
    /// written.
    pub(super) fn may_be_torn(&self, chunk: &Chunk) -> bool {
        let by_expiry = || chunk.expires.unwrap_or(0).saturating_sub(self.change_retention.as_secs());
        let applied_at = chunk.applied_at.unwrap_or_else(by_expiry);
        chunk.applied && applied_at.saturating_add(TORN_TIME.as_secs()) >= now_seconds()
    }

    /// Whether the group has the member, by a read that sees all of a transaction or nothing.
    async fn is_member(&self, tenant: &Tenant, group: &ResourceId, member: &ResourceId) -> Result<bool, Error> {
        let edge = self.read_together(&[Key::member_of(tenant, member, group)]).await?;
        Ok(edge.iter().any(Option::is_some))
    }
}
