//! Who is in a group, and in which groups somebody is: edges, one item for each direction.

use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::item::{self, Item, MemberItem};
use crate::key::{self, Key, SK};
use crate::page::CollectionQuery;
use crate::{Directory, Error};

/// A member of a group, as the group's edge has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: ResourceId,
    pub kind: Kind,
    /// As it was sent.
    pub display: Option<String>,
}

impl Directory {
    /// The members of a group, oldest first; at most `limit`, or all of them.
    pub async fn members(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        limit: Option<usize>,
    ) -> Result<Vec<Member>, Error> {
        let query = CollectionQuery::all(key::members(tenant, group));
        self.query(query, limit).await?.into_iter().map(member).collect()
    }

    /// Those of `ids` that are members of the group, in the order of their ids.
    pub async fn members_among(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        ids: &[ResourceId],
    ) -> Result<Vec<Member>, Error> {
        let keys = ids.iter().map(|id| Key::member(tenant, group, id)).collect();
        let items = self.read_batch(keys, None).await?;
        let mut members: Vec<_> = items.into_iter().map(member).collect::<Result<_, _>>()?;
        members.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(members)
    }

    /// The groups that somebody is a direct member of, oldest first. One that was just deleted can still be among them.
    pub async fn groups_of(&self, tenant: &Tenant, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::groups_of(tenant, member)) };
        let items = self.query(query, None).await?;
        items.iter().map(|item| item::id(item::text(item, SK)?)).collect()
    }
}

fn member(item: Item) -> Result<Member, Error> {
    let id = item::id(item::text(&item, SK)?)?;
    let edge: MemberItem = item::body(item)?;
    Ok(Member { id, kind: edge.kind, display: edge.display })
}
