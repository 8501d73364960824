//! What is committed in a tenant and not yet applied to all edges: usually nothing. Whoever reads edges takes it into account,
//! so that a change counts whole from its commit on.

use std::collections::BTreeSet;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::ResourceId;

use crate::commit::record::now_in_milliseconds;
use crate::item::{self, PendingItem, SettledItem};
use crate::key::{self, SK};
use crate::paging::page::CollectionQuery;
use crate::{Directory, Error};

/// For how long it counts that a large change was applied to all edges, in milliseconds: whoever reads edges at the same
/// time as [`PendingChanges`] may have read those of before. No request takes so long, and no two clocks differ by so much.
const REMEMBERED: u64 = 120_000;
/// So many members' edges are read at once.
const MAX_CONCURRENT: usize = 16;

/// What readers of edges have to know besides them. It has to be read before the edges are, unless there is nothing in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingChanges {
    /// Who is deleted, and may still have edges.
    deleted: BTreeSet<ResourceId>,
    /// Groups, each with its large change.
    changes: Vec<(ResourceId, ResourceId)>,
    /// Whether a large change was applied just now.
    is_recent: bool,
}

impl PendingChanges {
    /// Whether an edge to this member means nothing any more.
    pub fn hides(&self, member: &ResourceId) -> bool {
        self.deleted.contains(member)
    }

    /// Whether edges that were read at the same time say all.
    fn is_quiet(&self) -> bool {
        self.changes.is_empty() && !self.is_recent
    }
}

impl Directory {
    pub async fn pending_changes(&self, tenant: &Tenant) -> Result<PendingChanges, Error> {
        let mut pending_changes = PendingChanges::default();
        for item in self.query(CollectionQuery::all(key::pending_changes(tenant)), None).await? {
            if item::text(&item, SK)? == key::LAST_SETTLED {
                let SettledItem { settled } = item::body(item)?;
                pending_changes.is_recent = now_in_milliseconds().saturating_sub(settled) < REMEMBERED;
                continue;
            }
            let id = item::id(item::text(&item, SK)?)?;
            let PendingItem { deleted, change, .. } = item::body(item)?;
            match change {
                Some(change) if !deleted => pending_changes.changes.push((id, item::id(&change)?)),
                _ => drop(pending_changes.deleted.insert(id)),
            }
        }
        Ok(pending_changes)
    }

    /// The groups of each of some members, in the same order, each as [`Directory::groups_of`] has it, in one step where no large
    /// change is unsettled. Beside each stands whether there may be any; if not, they are looked for only if there is such a change.
    pub async fn groups_of_each(
        &self,
        tenant: &Tenant,
        members: &[(&ResourceId, bool)],
    ) -> Result<Vec<Vec<ResourceId>>, Error> {
        let edges = members.iter().map(async |(member, may_have)| match may_have {
            true => self.group_edges(tenant, member).await,
            false => Ok(Vec::new()),
        });
        let edges = stream::iter(edges.collect::<Vec<_>>()).buffered(MAX_CONCURRENT).try_collect();
        let (pending_changes, edges) = try_join(self.pending_changes(tenant), edges).await?;
        if pending_changes.is_quiet() {
            return Ok(edges);
        }
        let groups: Vec<_> =
            members.iter().map(|(member, _)| self.groups_of(tenant, member, &pending_changes)).collect();
        stream::iter(groups).buffered(MAX_CONCURRENT).try_collect().await
    }

    /// The groups that somebody is a direct member of, oldest first. One that was just deleted can still be among them.
    pub async fn groups_of(
        &self,
        tenant: &Tenant,
        member: &ResourceId,
        pending_changes: &PendingChanges,
    ) -> Result<Vec<ResourceId>, Error> {
        let (mut come, mut gone) = (Vec::new(), BTreeSet::new());
        for (group, change) in &pending_changes.changes {
            let Some(part) = self.part_about(tenant, change, member).await?.filter(|part| !part.applied) else {
                continue;
            };
            if part.edges.add.iter().any(|added| added.id == *member) {
                come.push(group.clone());
            } else if part.edges.remove.iter().any(|removed| removed.id == *member) {
                gone.insert(group.clone());
            }
        }
        // Who was to come may have been deleted since.
        if !come.is_empty() && self.existing(tenant, std::slice::from_ref(member)).await?.is_empty() {
            come.clear();
        }
        let edges = self.group_edges(tenant, member).await?;
        let groups: BTreeSet<ResourceId> =
            edges.into_iter().filter(|group| !gone.contains(group)).chain(come).collect();
        Ok(groups.into_iter().collect())
    }

    /// The groups to which somebody has edges.
    pub(crate) async fn group_edges(&self, tenant: &Tenant, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::groups_of(tenant, member)) };
        let items = self.query(query, None).await?;
        items.iter().map(|item| item::id(item::text(item, SK)?)).collect()
    }
}
