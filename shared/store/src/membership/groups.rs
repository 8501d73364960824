//! The groups of a member.

use std::collections::BTreeSet;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::ResourceId;

use super::state::PendingChanges;
use crate::item;
use crate::key::{self, SK};
use crate::read::query::CollectionQuery;
use crate::{Directory, Error};

/// The number of members whose groups are read at the same time.
const MAX_CONCURRENT_MEMBERS: usize = 16;

impl Directory {
    /// The groups of each of these members, in the same order, each as [`Directory::groups_of`] returns them. They
    /// take one round trip if no large change is pending. The flag of each member states whether it may have edges;
    /// if not, its groups are read only if a large change is pending.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn groups_of_each(
        &self,
        tenant: &Tenant,
        members: &[(&ResourceId, bool)],
    ) -> Result<Vec<Vec<ResourceId>>, Error> {
        let edges =
            members.iter().map(
                async |(member, may_have_edges)| {
                    if *may_have_edges { self.group_edges(tenant, member).await } else { Ok(Vec::new()) }
                },
            );
        let edges = stream::iter(edges.collect::<Vec<_>>()).buffered(MAX_CONCURRENT_MEMBERS).try_collect();
        let (pending_changes, edges) = try_join(self.pending_changes(tenant), edges).await?;
        if pending_changes.is_quiet() {
            return Ok(edges);
        }
        let groups: Vec<_> =
            members.iter().map(|(member, _)| self.groups_of(tenant, member, &pending_changes)).collect();
        stream::iter(groups).buffered(MAX_CONCURRENT_MEMBERS).try_collect().await
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
        let mut joined = Vec::new();
        let mut left = BTreeSet::new();
        for (group, change) in &pending_changes.changes {
            let chunk = self.chunk_about(tenant, change, member).await?;
            let Some(chunk) = chunk.filter(|chunk| !chunk.applied) else { continue };
            if chunk.edges.add.iter().any(|added| added.id == *member) {
                joined.push(group.clone());
            } else if chunk.edges.remove.iter().any(|removed| removed.id == *member) {
                left.insert(group.clone());
            }
        }
        // The member may have been deleted after the change was committed.
        if !joined.is_empty() && self.existing(tenant, std::slice::from_ref(member)).await?.is_empty() {
            joined.clear();
        }
        let edges = self.group_edges(tenant, member).await?;
        let groups: BTreeSet<ResourceId> =
            edges.into_iter().filter(|group| !left.contains(group)).chain(joined).collect();
        Ok(groups.into_iter().collect())
    }

    /// The groups to which a resource has edges.
    pub(crate) async fn group_edges(&self, tenant: &Tenant, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::groups_of(tenant, member)) };
        let items = self.query(query, None).await?;
        items.iter().map(|item| item::id(item::text(item, SK)?)).collect()
    }
}
