//! A resource as a client sees it (RFC 7643 §3): what is stored, and what follows from it and from its edges.

use std::collections::{BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::{Error, Projection, entity_tag};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::{Value, json};
use store::{Member, Stored};

use crate::failure::failed;
use crate::{Context, Reply};

/// Collections read at once.
const AT_ONCE: usize = 16;

/// The members of a group, or the groups of a user: read only when an answer, or a filter, needs them.
pub(crate) fn edges_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

/// Represents resources without their edges.
pub(crate) fn bare(base_url: &str, stored: &Stored) -> Object {
    let kind = stored.kind;
    let mut resource = Object::new();
    resource.insert("schemas".to_owned(), resource_type(kind).schemas_of(&stored.resource).into());
    resource.insert("id".to_owned(), stored.id.as_str().into());
    resource.extend(stored.resource.clone());
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

/// Represents resources of one kind with their edges, in the same order.
pub(crate) async fn whole(context: &Context<'_>, kind: Kind, stored: &[Stored]) -> Result<Vec<Object>, Error> {
    let edges = match kind {
        Kind::User => groups(context, stored).await?,
        Kind::Group => members(context, stored).await?,
    };
    let resources = stored.iter().zip(edges).map(|(stored, edges)| with_edges(context, stored, edges));
    Ok(resources.collect())
}

/// Represents resources of one kind, with their edges where these are needed.
pub(crate) async fn seen(
    context: &Context<'_>,
    kind: Kind,
    stored: &[Stored],
    with_edges: bool,
) -> Result<Vec<Object>, Error> {
    match with_edges {
        true => whole(context, kind, stored).await,
        false => Ok(stored.iter().map(|stored| bare(context.base_url, stored)).collect()),
    }
}

/// Represents a resource with edges that are at hand.
pub(crate) fn with_edges(context: &Context<'_>, stored: &Stored, edges: Vec<Value>) -> Object {
    let mut resource = bare(context.base_url, stored);
    if !edges.is_empty() {
        let meta = resource.shift_remove("meta");
        resource.insert(edges_attribute(stored.kind).to_owned(), Value::Array(edges));
        resource.extend(meta.map(|meta| ("meta".to_owned(), meta)));
    }
    resource
}

/// The answer with one resource, its edges read if the projection wants them.
pub(crate) async fn reply(
    context: &Context<'_>,
    status: u16,
    stored: &Stored,
    projection: &Projection,
) -> Result<Reply, Error> {
    let definition = resource_type(stored.kind);
    let resource = if projection.wants(definition, edges_attribute(stored.kind)) {
        whole(context, stored.kind, std::slice::from_ref(stored)).await?.pop().unwrap_or_default()
    } else {
        bare(context.base_url, stored)
    };
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

async fn members(context: &Context<'_>, groups: &[Stored]) -> Result<Vec<Vec<Value>>, Error> {
    let read: Vec<_> = groups.iter().map(|group| members_of(context, group)).collect();
    let members: Vec<Vec<Member>> = stream::iter(read).buffered(AT_ONCE).try_collect().await.map_err(failed)?;
    Ok(members.iter().map(|members| members.iter().map(|one| member(context, one)).collect()).collect())
}

/// A group that has none needs no call.
async fn members_of(context: &Context<'_>, group: &Stored) -> Result<Vec<Member>, store::Error> {
    match group.member_count {
        0 => Ok(Vec::new()),
        _ => context.directory.members(&context.caller.tenant, &group.id, None).await,
    }
}

/// The groups that each user is a direct member of. An edge to a group that is being deleted is not shown.
async fn groups(context: &Context<'_>, users: &[Stored]) -> Result<Vec<Vec<Value>>, Error> {
    let tenant = &context.caller.tenant;
    let read: Vec<_> = users.iter().map(|user| context.directory.groups_of(tenant, &user.id)).collect();
    let edges: Vec<Vec<ResourceId>> = stream::iter(read).buffered(AT_ONCE).try_collect().await.map_err(failed)?;
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
    Ok(edges.iter().map(|ids| ids.iter().filter_map(show).collect()).collect())
}
