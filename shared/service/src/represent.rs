//! A resource as a client sees it (RFC 7643 §3): what is stored, and what follows from it and from its edges.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::{Error, Projection, entity_tag};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::{Value, json};
use store::{Member, PendingChanges, Stored};

use crate::failure::failed;
use crate::{Context, Reply};

/// More members than this fit into no answer, compressed and with their ids alone: they are not even read. An id has 74 random
/// bits, which take 13 bytes in base64, and what stands around it takes the rest of 21.
const MEMBERS_PER_ANSWER: u64 = protocol::limits::MEMBERS_IN_RESPONSE;
/// `schemas`, `id`, the edges and `meta`.
const ADDED: usize = 4;
/// Collections read at once.
const MAX_CONCURRENT: usize = 16;

/// The members of a group, or the groups of a user: read only when an answer, or a filter, needs them.
pub(crate) fn edges_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

/// Represents a resource without its edges, by the attributes that it takes out of it.
pub(crate) fn bare(base_url: &str, stored: &mut Stored) -> Object {
    let (kind, attributes) = (stored.kind, mem::take(&mut stored.resource));
    let mut resource = Object::with_capacity(attributes.len() + ADDED);
    resource.insert("schemas".to_owned(), resource_type(kind).schemas_of(&attributes).into());
    resource.insert("id".to_owned(), stored.id.as_str().into());
    resource.extend(attributes);
    let meta = json!({
        "resourceType": kind.name(),
        "created": stored.created,
        "lastModified": stored.last_modified,
        "location": kind.location(base_url, &stored.id),
        "version": entity_tag(stored.version),
    });
    resource.insert("meta".to_owned(), meta);
    resource
}

/// A resource and what a client sees of it, where its attributes are now.
pub(crate) type Seen = (Stored, Object);

/// The resource with its attributes again.
pub(crate) fn unseen((mut stored, mut seen): Seen) -> Stored {
    for added in ["schemas", "id", "meta", edges_attribute(stored.kind)] {
        seen.shift_remove(added);
    }
    stored.resource = seen;
    stored
}

/// Represents resources of one kind with their edges, in the same order. A group may be seen in a later version than the one
/// that was read, and is left out if it is gone by now.
async fn whole(context: &Context<'_>, kind: Kind, stored: Vec<Stored>) -> Result<Vec<Seen>, Error> {
    match kind {
        Kind::User => {
            let users: Vec<_> = stored.iter().map(|user| (&user.id, user.group_count > 0)).collect();
            let groups = context.directory.groups_of_each(&context.caller.tenant, &users).await.map_err(failed)?;
            with_groups(context, stored, groups).await
        }
        Kind::Group => with_members(context, stored).await,
    }
}

/// Represents resources of one kind, with their edges where these are needed; as [`whole`].
pub(crate) async fn seen(
    context: &Context<'_>,
    kind: Kind,
    stored: Vec<Stored>,
    with_edges: bool,
) -> Result<Vec<Seen>, Error> {
    let has_edges = |stored: &Stored| kind == Kind::User || stored.member_summary.count > 0;
    if with_edges && stored.iter().any(has_edges) {
        return whole(context, kind, stored).await;
    }
    let represent = |mut stored| {
        let resource = bare(context.base_url, &mut stored);
        (stored, resource)
    };
    Ok(stored.into_iter().map(represent).collect())
}

/// Represents a resource with edges that are at hand.
pub(crate) fn with_edges(context: &Context<'_>, stored: &mut Stored, edges: Vec<Value>) -> Object {
    let mut resource = bare(context.base_url, stored);
    if !edges.is_empty() {
        let meta = resource.shift_remove("meta");
        resource.insert(edges_attribute(stored.kind).to_owned(), Value::Array(edges));
        resource.extend(meta.map(|meta| ("meta".to_owned(), meta)));
    }
    resource
}

/// Refuses what can be in no answer before it is read; for reads alone, as a change that is made is no error.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn fits(stored: &[Stored], with_edges: bool) -> Result<(), Error> {
    let members: u64 = stored.iter().map(|stored| stored.member_summary.count).sum();
    if with_edges && members > MEMBERS_PER_ANSWER { Err(Error::answer_too_large()) } else { Ok(()) }
}

/// The groups of a user, read at the same time as the user, if an answer is to show them.
pub(crate) async fn groups_beside(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
) -> Result<Option<Vec<ResourceId>>, Error> {
    let is_wanted = kind == Kind::User && projection.wants(resource_type(kind), edges_attribute(kind));
    let Some(id) = ResourceId::parse(id).filter(|_| is_wanted) else { return Ok(None) };
    let groups = context.directory.groups_of_each(&context.caller.tenant, &[(&id, true)]).await.map_err(failed)?;
    Ok(groups.into_iter().next())
}

/// Edges that were read for an answer before it was known what it is.
pub(crate) enum AtHand {
    Groups(Vec<ResourceId>),
    /// Those of the version that is answered.
    Members(Vec<Member>),
}

/// The answer with one resource, its edges read if the projection wants them and they are not at hand.
pub(crate) async fn reply(
    context: &Context<'_>,
    status: u16,
    mut stored: Stored,
    beside: Option<AtHand>,
    projection: &Projection,
) -> Result<Reply, Error> {
    let definition = resource_type(stored.kind);
    let wants_edges = projection.wants(definition, edges_attribute(stored.kind));
    let seen = match beside {
        Some(AtHand::Groups(groups)) => with_groups(context, vec![stored], vec![groups]).await?,
        Some(AtHand::Members(members)) => {
            let members = members.iter().map(|one| member(context, one)).collect();
            let resource = with_edges(context, &mut stored, members);
            vec![(stored, resource)]
        }
        None => seen(context, definition.kind, vec![stored], wants_edges).await?,
    };
    let (stored, resource) = seen.into_iter().next().ok_or_else(|| Error::not_found(definition.kind))?;
    Ok(Reply {
        status,
        location: Some(stored.kind.location(context.base_url, &stored.id)),
        version: Some(entity_tag(stored.version)),
        body: Some(projection.apply(definition, resource)),
    })
}

/// A member as the group shows it (RFC 7643 §4.2).
pub(crate) fn member(context: &Context<'_>, member: &Member) -> Value {
    let mut value = json!({
        "value": member.id.as_str(),
        "$ref": member.kind.location(context.base_url, &member.id),
        "type": member.kind.name(),
    });
    if let (Some(display), Some(object)) = (&member.display, value.as_object_mut()) {
        object.insert("display".to_owned(), display.as_str().into());
    }
    value
}

async fn with_members(context: &Context<'_>, groups: Vec<Stored>) -> Result<Vec<Seen>, Error> {
    let (directory, tenant) = (context.directory, &context.caller.tenant);
    let pending_changes = directory.pending_changes(tenant).await.map_err(failed)?;
    let versions: HashMap<ResourceId, u64> = groups.iter().map(|group| (group.id.clone(), group.version)).collect();
    let read: Vec<_> = groups.into_iter().map(|group| directory.members(tenant, group)).collect();
    let read: Vec<_> = stream::iter(read).buffered(MAX_CONCURRENT).try_collect().await.map_err(failed)?;
    // A later version may come after a delete that was not known yet.
    let has_moved = read.iter().flatten().any(|(group, _)| versions.get(&group.id) != Some(&group.version));
    let later =
        if has_moved { directory.pending_changes(tenant).await.map_err(failed)? } else { PendingChanges::default() };
    let seen = read.into_iter().flatten().map(|(mut group, members)| {
        let shown = members.iter().filter(|one| !pending_changes.hides(&one.id) && !later.hides(&one.id));
        let resource = with_edges(context, &mut group, shown.map(|one| member(context, one)).collect());
        (group, resource)
    });
    Ok(seen.collect())
}

/// Represents users with the groups that each is a direct member of. An edge to a group that is being deleted is not shown.
pub(crate) async fn with_groups(
    context: &Context<'_>,
    users: Vec<Stored>,
    edges: Vec<Vec<ResourceId>>,
) -> Result<Vec<Seen>, Error> {
    let tenant = &context.caller.tenant;
    let ids: BTreeSet<&ResourceId> = edges.iter().flatten().collect();
    let ids: Vec<ResourceId> = ids.into_iter().cloned().collect();
    let found = if ids.is_empty() {
        Vec::new()
    } else {
        context.directory.get_many(tenant, Kind::Group, &ids).await.map_err(failed)?
    };
    let found: HashMap<&ResourceId, &Stored> = found.iter().map(|group| (&group.id, group)).collect();
    let show = |id: &ResourceId| {
        let name = found.get(id)?.resource.get("displayName");
        let location = Kind::Group.location(context.base_url, id);
        Some(json!({"value": id.as_str(), "$ref": location, "display": name, "type": "direct"}))
    };
    let seen = users.into_iter().zip(&edges).map(|(mut user, ids)| {
        let resource = with_edges(context, &mut user, ids.iter().filter_map(show).collect());
        (user, resource)
    });
    Ok(seen.collect())
}
