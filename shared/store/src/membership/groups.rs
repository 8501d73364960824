//! The groups of members.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::ResourceId;

use super::pending_moves::MembershipMoves;
use super::state::PendingChanges;
use crate::item;
use crate::key::{self, SK};
use crate::read::query::CollectionQuery;
use crate::{Directory, Error};

/// The number of members whose groups are read at the same time.
const MAX_CONCURRENT_MEMBERS: usize = 16;

impl Directory {
    /// The groups of each of these members, in the same order, each as [`Directory::groups_of`] returns them. They take
    /// one round trip if no large change is pending. With each member comes its [`crate::StoredResource::group_count`],
    /// if that was read before.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn groups_of_each(
        &self,
        tenant: &Tenant,
        members: &[(&ResourceId, Option<u64>)],
    ) -> Result<Vec<Vec<ResourceId>>, Error> {
        let edges =
            members.iter().map(
                async |(member, count)| {
                    if *count == Some(0) { Ok(Vec::new()) } else { self.group_edges(tenant, member).await }
                },
            );
        let edges = stream::iter(edges.collect::<Vec<_>>()).buffered(MAX_CONCURRENT_MEMBERS).try_collect();
        let (pending_changes, edges): (_, Vec<Vec<ResourceId>>) = try_join(self.pending_changes(tenant), edges).await?;
        // A count differs from the edges if a change was applied meanwhile, perhaps only to some of the members.
        let has_count = |(member, edges): (&(&ResourceId, Option<u64>), &Vec<ResourceId>)| {
            member.1.is_none_or(|count| count == edges.len() as u64)
        };
        let is_still = members.iter().zip(&edges).all(has_count);
        if is_still && pending_changes.has_no_recent_change() {
            return Ok(edges);
        }
        let pending_changes = if is_still { pending_changes } else { self.pending_changes(tenant).await? };
        let members: Vec<&ResourceId> = members.iter().map(|(member, _)| *member).collect();
        self.groups_with_pending(tenant, &members, &pending_changes).await
    }

    /// The groups that a resource is a direct member of, oldest first. A group that was deleted a moment ago may be
    /// among them.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn groups_of(
        &self,
        tenant: &Tenant,
        member: &ResourceId,
        pending_changes: &PendingChanges,
    ) -> Result<Vec<ResourceId>, Error> {
        let groups = self.groups_with_pending(tenant, &[member], pending_changes).await?;
        Ok(groups.into_iter().flatten().collect())
    }

    /// The groups of each of these members, by their edges and by the pending changes.
    async fn groups_with_pending(
        &self,
        tenant: &Tenant,
        members: &[&ResourceId],
        pending_changes: &PendingChanges,
    ) -> Result<Vec<Vec<ResourceId>>, Error> {
        let mut moves = self.pending_moves(tenant, &members.iter().copied().collect(), pending_changes).await?;
        self.remove_deleted(tenant, &mut moves).await?;
        // Edges are read after the chunks: a chunk that is applied in between is seen twice, and none is missed.
        let edges: Vec<_> = members.iter().map(|member| self.group_edges(tenant, member)).collect();
        let edges: Vec<_> = stream::iter(edges).buffered(MAX_CONCURRENT_MEMBERS).try_collect().await?;
        let groups = members.iter().zip(edges).map(|(member, edges)| match moves.remove(*member) {
            Some(moves) => moves.apply_to(edges),
            None => edges,
        });
        Ok(groups.collect())
    }

    /// Removes the groups that deleted members join: a member may have been deleted after the change was committed.
    async fn remove_deleted(
        &self,
        tenant: &Tenant,
        moves: &mut BTreeMap<ResourceId, MembershipMoves>,
    ) -> Result<(), Error> {
        let joining: Vec<ResourceId> =
            moves.iter().filter(|(_, moves)| !moves.joined.is_empty()).map(|(member, _)| member.clone()).collect();
        if joining.is_empty() {
            return Ok(());
        }
        let existing = self.existing(tenant, &joining).await?;
        for member in joining.iter().filter(|member| !existing.contains_key(*member)) {
            if let Some(moves) = moves.get_mut(member) {
                moves.joined = BTreeSet::new();
            }
        }
        Ok(())
    }

    /// The groups to which a resource has edges.
    pub(crate) async fn group_edges(&self, tenant: &Tenant, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::groups_of(tenant, member)) };
        let items = self.query(query, None).await?;
        items.iter().map(|item| item::id(item::text(item, SK)?)).collect()
    }
}
