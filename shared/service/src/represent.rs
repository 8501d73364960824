//! A resource in the form that a client sees (RFC 7643 §3): the stored attributes, those that follow from them, and
//! the edges: the groups of a user or the members of a group.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::{Error, Projection, Reply, entity_tag};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::{Value, json};
use store::{Member, PendingChanges, StoredResource};

use crate::Context;
use crate::batch_size::BatchSize;
use crate::edges::{edge_count, edges_attribute};
use crate::error::to_client_error;
use crate::read_set::ReadSet;

/// `schemas`, `id`, the edges and `meta`.
const ADDED_ATTRIBUTES: usize = 4;
const MAX_CONCURRENT_READS: usize = 16;

/// A stored resource and its public representation. The attributes have moved from `stored` into `body`.
#[derive(Debug)]
pub(crate) struct Representation {
    pub(crate) stored: StoredResource,
    pub(crate) body: Object,
    /// Whether `body` has all edges.
    has_edges: bool,
}

impl Representation {
    /// Represents a resource without its edges.
    pub(crate) fn new(base_url: &str, mut stored: StoredResource) -> Self {
        let kind = stored.kind;
        let attributes = mem::take(&mut stored.resource);
        let mut body = Object::with_capacity(attributes.len() + ADDED_ATTRIBUTES);
        body.insert("schemas".to_owned(), resource_type(kind).schemas_of(&attributes).into());
        body.insert("id".to_owned(), stored.id.as_str().into());
        body.extend(attributes);
        let meta = json!({
            "resourceType": kind.name(),
            "created": stored.created,
            "lastModified": stored.last_modified,
            "location": kind.location(base_url, &stored.id),
            "version": entity_tag(stored.version),
        });
        body.insert("meta".to_owned(), meta);
        Self { stored, body, has_edges: false }
    }

    /// Adds all edges, before `meta`.
    pub(crate) fn with_edges(mut self, edges: Vec<Value>) -> Self {
        self.put_edges(edges);
        self.has_edges = true;
        self
    }

    /// Removes the edges, so that a response that shows them reads them.
    pub(crate) fn without_edges(mut self) -> Self {
        self.put_edges(Vec::new());
        self.has_edges = false;
        self
    }

    /// Reduces the body to the attributes of the response, so that no others are kept in memory.
    pub(crate) fn reduced_to(self, projection: &Projection) -> Self {
        let definition = resource_type(self.stored.kind);
        let resource = if self.has_edges && !projection.wants(definition, edges_attribute(self.stored.kind)) {
            self.without_edges()
        } else {
            self
        };
        if !projection.is_requested() {
            return resource;
        }
        Self { body: projection.apply(definition, resource.body), ..resource }
    }

    /// The number of edges that a response contains.
    pub(crate) fn edges_in_response(&self, projection: &Projection) -> u64 {
        let kind = self.stored.kind;
        if projection.wants(resource_type(kind), edges_attribute(kind)) { edge_count(&self.stored) } else { 0 }
    }

    /// Puts edges in the place of those in the body; an empty list stands for none (RFC 7643 §2.5).
    pub(crate) fn put_edges(&mut self, edges: Vec<Value>) {
        let attribute = edges_attribute(self.stored.kind);
        self.body.shift_remove(attribute);
        if edges.is_empty() {
            return;
        }
        let meta = self.body.shift_remove("meta");
        self.body.insert(attribute.to_owned(), Value::Array(edges));
        self.body.extend(meta.map(|meta| ("meta".to_owned(), meta)));
    }
}

/// Adds the edges of resources of one kind that do not have them yet, in the same order. A group may come in a
/// later version than the one that was read, and is left out if it has been deleted since.
pub(crate) async fn add_edges(
    context: &Context<'_>,
    kind: Kind,
    resources: Vec<Representation>,
    reads: &ReadSet,
) -> Result<Vec<Representation>, Error> {
    let can_have_edges = |it: &Representation| kind == Kind::User || it.stored.member_summary.count > 0;
    if resources.iter().all(|it| it.has_edges || !can_have_edges(it)) {
        return Ok(resources);
    }
    match kind {
        Kind::User => add_groups(context, resources, reads).await,
        Kind::Group => add_members(context, resources, reads).await,
    }
}

/// The reply with one resource. Its edges are read if the projection includes them and `reads` does not hold them.
pub(crate) async fn reply(
    context: &Context<'_>,
    status: u16,
    stored: StoredResource,
    reads: &ReadSet,
    projection: &Projection,
) -> Result<Reply, Error> {
    let kind = stored.kind;
    let definition = resource_type(kind);
    let mut resources = vec![Representation::new(context.exchange.base_url, stored)];
    if projection.wants(definition, edges_attribute(kind)) {
        resources = add_edges(context, kind, resources, reads).await?;
    }
    let Representation { stored, body, .. } = resources.pop().ok_or_else(|| Error::not_found(kind))?;
    Ok(Reply {
        status,
        location: Some(kind.location(context.exchange.base_url, &stored.id)),
        version: Some(entity_tag(stored.version)),
        body: Some(projection.apply(definition, body)),
        ..Reply::default()
    })
}

/// A member as the group shows it (RFC 7643 §4.2).
pub(crate) fn member_value(context: &Context<'_>, member: &Member) -> Value {
    let mut value = json!({
        "value": member.id.as_str(),
        "$ref": member.kind.location(context.exchange.base_url, &member.id),
        "type": member.kind.name(),
    });
    if let (Some(display), Some(object)) = (&member.display, value.as_object_mut()) {
        object.insert("display".to_owned(), display.as_str().into());
    }
    value
}

async fn add_members(
    context: &Context<'_>,
    groups: Vec<Representation>,
    reads: &ReadSet,
) -> Result<Vec<Representation>, Error> {
    let values = |members: &[Member]| members.iter().map(|member| member_value(context, member)).collect();
    if let [group] = groups.as_slice()
        && let Some(members) = reads.members_of(&group.stored.id)
    {
        return Ok(groups.into_iter().map(|group| group.with_edges(values(members))).collect());
    }
    let directory = context.directory;
    let tenant = context.tenant();
    let pending_changes = directory.pending_changes(tenant).await.map_err(to_client_error)?;
    let reads: Vec<_> = groups.iter().map(|group| directory.members(tenant, group.stored.clone())).collect();
    let read: Vec<_> =
        stream::iter(reads).buffered(MAX_CONCURRENT_READS).try_collect().await.map_err(to_client_error)?;
    let mut current = Vec::with_capacity(groups.len());
    let mut has_moved = false;
    for (group, (now, members)) in groups.into_iter().zip(read).filter_map(|(group, read)| Some((group, read?))) {
        let is_same = now.version == group.stored.version;
        has_moved |= !is_same;
        current.push((if is_same { group } else { Representation::new(context.exchange.base_url, now) }, members));
    }
    // A later version may follow a delete that was not among the pending changes yet.
    let later = if has_moved {
        directory.pending_changes(tenant).await.map_err(to_client_error)?
    } else {
        PendingChanges::default()
    };
    let with_members = |(group, mut members): (Representation, Vec<Member>)| {
        members.retain(|one| !pending_changes.hides(&one.id) && !later.hides(&one.id));
        group.with_edges(values(&members))
    };
    Ok(current.into_iter().map(with_members).collect())
}

/// Adds the groups that each user is a direct member of. A group that is being deleted is left out.
async fn add_groups(
    context: &Context<'_>,
    users: Vec<Representation>,
    reads: &ReadSet,
) -> Result<Vec<Representation>, Error> {
    let directory = context.directory;
    let tenant = context.tenant();
    let prefetched = users.iter().map(|user| reads.groups_of(&user.stored.id).map(<[_]>::to_vec));
    let groups: Vec<Vec<ResourceId>> = match prefetched.collect() {
        Some(groups) => groups,
        None => {
            let users: Vec<_> = users.iter().map(|user| (&user.stored.id, Some(user.stored.group_count))).collect();
            directory.groups_of_each(tenant, &users).await.map_err(to_client_error)?
        }
    };
    let ids: BTreeSet<ResourceId> = groups.iter().flatten().cloned().collect();
    let ids: Vec<ResourceId> = ids.into_iter().collect();
    let names = group_names(context, &ids).await?;
    let value = |id: &ResourceId| {
        let display = names.get(id)?;
        let location = Kind::Group.location(context.exchange.base_url, id);
        Some(json!({"value": id.as_str(), "$ref": location, "display": display, "type": "direct"}))
    };
    let users = users.into_iter().zip(&groups);
    Ok(users.map(|(user, groups)| user.with_edges(groups.iter().filter_map(value).collect())).collect())
}

/// The names of the groups that exist.
async fn group_names(context: &Context<'_>, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Option<Value>>, Error> {
    let mut names = HashMap::new();
    let mut left = ids;
    let mut size = BatchSize::default();
    while !left.is_empty() {
        let (next, rest) = left.split_at(size.of(left.len()));
        let found = context.directory.get_many(context.tenant(), Kind::Group, next).await.map_err(to_client_error)?;
        size.adapt_to(&found);
        for group in found {
            let mut group = group.parse().map_err(to_client_error)?;
            names.insert(group.id, group.resource.shift_remove("displayName"));
        }
        left = rest;
    }
    Ok(names)
}
