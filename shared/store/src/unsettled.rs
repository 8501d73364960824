//! What is committed in a tenant and not yet applied to all edges: usually nothing. Whoever reads edges takes it into account,
//! so that a change counts whole from its commit on.

use std::collections::BTreeSet;

use protocol::Tenant;
use schema::ResourceId;

use crate::item::{self, UnsettledItem};
use crate::key::{self, SK};
use crate::page::CollectionQuery;
use crate::{Directory, Error};

/// What readers of edges have to know besides them. It has to be read before the edges are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Who is deleted, and may still have edges.
    deleted: BTreeSet<ResourceId>,
    /// Groups, each with its large change.
    changes: Vec<(ResourceId, ResourceId)>,
}

impl Unsettled {
    /// Whether an edge to this member means nothing any more.
    pub fn hides(&self, member: &ResourceId) -> bool {
        self.deleted.contains(member)
    }

    /// Whether somebody may be in groups to which there is no edge yet.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}

impl Directory {
    pub async fn unsettled(&self, tenant: &Tenant) -> Result<Unsettled, Error> {
        let mut unsettled = Unsettled::default();
        for item in self.query(CollectionQuery::all(key::unsettled(tenant)), None).await? {
            let id = item::id(item::text(&item, SK)?)?;
            let UnsettledItem { deleted, change, .. } = item::body(item)?;
            match change {
                Some(change) if !deleted => unsettled.changes.push((id, item::id(&change)?)),
                _ => drop(unsettled.deleted.insert(id)),
            }
        }
        Ok(unsettled)
    }

    /// The groups that somebody is a direct member of, oldest first. One that was just deleted can still be among them.
    pub async fn groups_of(
        &self,
        tenant: &Tenant,
        member: &ResourceId,
        unsettled: &Unsettled,
    ) -> Result<Vec<ResourceId>, Error> {
        let (mut come, mut gone) = (Vec::new(), BTreeSet::new());
        for (group, change) in &unsettled.changes {
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
