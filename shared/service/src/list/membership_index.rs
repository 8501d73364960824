//! Evaluates `members.value eq` and `groups.value eq` in a filter, also among other terms, by reading the resources
//! that have such a value. So the cost of a filter does not grow with the members, or groups, of the resources on
//! which it is evaluated.

use std::collections::HashSet;

use protocol::{Error, KindQuery};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};

use crate::Context;
use crate::edges::edges_attribute;
use crate::error::to_client_error;

/// The edge values that a filter names, each with the resources that have it.
pub(super) struct MembershipIndex(Vec<(ResourceId, HashSet<ResourceId>)>);

impl MembershipIndex {
    /// Reads the resources that have the values which a filter names; `None` if the filter reads anything else of
    /// the edges, or nothing.
    pub(super) async fn load(context: &Context<'_>, part: &KindQuery) -> Result<Option<Self>, Error> {
        let attribute = edges_attribute(part.kind);
        let Some(values) = part.values_compared(attribute).filter(|_| part.reads(attribute)) else { return Ok(None) };
        let mut index = Vec::new();
        // A text that is not an id is the value of no edge.
        for id in values.into_iter().filter_map(ResourceId::parse) {
            let resources = related_ids(context, part.kind, &id).await?.into_iter().collect();
            index.push((id, resources));
        }
        Ok(Some(Self(index)))
    }

    /// The resources that have an edge value, if the filter names it.
    pub(super) fn resources_with(&self, value: &ResourceId) -> Option<&HashSet<ResourceId>> {
        self.0.iter().find(|(indexed, _)| indexed == value).map(|(_, resources)| resources)
    }

    /// The edges of a resource that the filter compares.
    pub(super) fn edges_of(&self, resource: &ResourceId) -> Vec<Value> {
        let edges = self.0.iter().filter(|(_, resources)| resources.contains(resource));
        edges.map(|(value, _)| json!({"value": value.as_str()})).collect()
    }
}

/// The groups of a member, or the members of a group, oldest first.
pub(super) async fn related_ids(context: &Context<'_>, kind: Kind, id: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    match kind {
        Kind::User => members_of(context, id).await,
        Kind::Group => groups_of(context, id).await,
    }
}

async fn groups_of(context: &Context<'_>, member: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    let directory = context.directory;
    let pending_changes = directory.pending_changes(context.tenant()).await.map_err(to_client_error)?;
    if pending_changes.hides(member) {
        return Ok(Vec::new());
    }
    directory.groups_of(context.tenant(), member, &pending_changes).await.map_err(to_client_error)
}

async fn members_of(context: &Context<'_>, group: &ResourceId) -> Result<Vec<ResourceId>, Error> {
    let directory = context.directory;
    let group = directory.get(context.tenant(), Kind::Group, group).await.map_err(to_client_error)?;
    let Some(group) = group else { return Ok(Vec::new()) };
    let read = directory.members(context.tenant(), group).await.map_err(to_client_error)?;
    Ok(read.into_iter().flat_map(|(_, members)| members).map(|member| member.id).collect())
}
