//! Filters by `members.value eq` and `groups.value eq`, also beside other terms: who has such a value is read by it, so that
//! what a filter costs does not grow with the members, or groups, of the resources that are tried.

use std::collections::HashSet;

use protocol::{Error, KindQuery};
use schema::{Kind, ResourceId};

use crate::error::failed;
use crate::{Context, represent};

/// The values that a filter names, each with whoever has it.
pub(crate) type Related = Vec<(ResourceId, HashSet<ResourceId>)>;

/// Reads who has the values that a filter names; `None` if it reads anything else of the edges, or nothing.
pub(crate) async fn read(context: &Context<'_>, part: &KindQuery) -> Result<Option<Related>, Error> {
    let attribute = represent::edges_attribute(part.kind);
    let Some(values) = part.values_compared(attribute).filter(|_| part.reads(attribute)) else { return Ok(None) };
    let mut related = Related::new();
    // What is no id is nobody's value.
    for id in values.into_iter().filter_map(ResourceId::parse) {
        let who = to(context, part.kind, &id).await?.into_iter().collect();
        related.push((id, who));
    }
    Ok(Some(related))
}

/// The groups of a member, or the members of a group, oldest first.
pub(crate) async fn to(context: &Context<'_>, kind: Kind, id: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    match kind {
        Kind::User => members_of(context, id).await,
        Kind::Group => groups_of(context, id).await,
    }
}

async fn groups_of(context: &Context<'_>, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    let (directory, tenant) = (context.directory, context.tenant());
    let pending_changes = directory.pending_changes(tenant).await.map_err(failed)?;
    if pending_changes.hides(member) {
        return Ok(Vec::new());
    }
    directory.groups_of(tenant, member, &pending_changes).await.map_err(failed)
}

async fn members_of(context: &Context<'_>, group: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    let (directory, tenant) = (context.directory, context.tenant());
    let Some(group) = directory.get(tenant, Kind::Group, group).await.map_err(failed)? else { return Ok(Vec::new()) };
    let seen = directory.members(tenant, group).await.map_err(failed)?;
    Ok(seen.into_iter().flat_map(|(_, members)| members).map(|member| member.id).collect())
}
