//! Reads one resource (RFC 7644 §3.4.1).

use futures_util::future::try_join;
use protocol::{Error, Precondition, Projection, Reply, entity_tag};
use schema::{Kind, ResourceId, resource_type};
use store::StoredResource;

use crate::edges::{check_response_size, edges_attribute};
use crate::error::to_client_error;
use crate::read_set::{ReadPlan, ReadSet};
use crate::{Context, represent};

/// Reads the resource with the id `id`.
///
/// # Errors
/// [`Error::NotFound`] if the tenant has no such resource, [`Error::PreconditionFailed`] if its version is not that
/// of `If-Match`, or newer than `If-Unmodified-Since`, [`Error::PayloadTooLarge`] for a group with too many members for
/// a response.
pub async fn get(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    precondition: &Precondition,
) -> Result<Reply, Error> {
    let shows_edges = projection.wants(resource_type(kind), edges_attribute(kind));
    let may_hide_members =
        kind == Kind::Group && shows_edges && precondition.has_none_match() && is_delete_pending(context).await?;
    let plan = ReadPlan::for_response(kind, id, projection);
    let (stored, reads) = try_join(find(context, kind, id), ReadSet::load(context, &plan)).await?;
    precondition.check_read(stored.version, &stored.last_modified)?;
    // The groups of a user change without a new version of the user, and so do the members of a group while the delete
    // of one of them is pending, or a large change that has added one who is deleted meanwhile.
    let is_settled = !may_hide_members && stored.member_summary.pending.is_none();
    let follows_version = !shows_edges || (kind == Kind::Group && is_settled);
    if follows_version && precondition.is_not_modified(stored.version) {
        let version = Some(entity_tag(stored.version));
        return Ok(Reply { status: 304, version, ..Reply::default() });
    }
    if shows_edges {
        check_response_size([&stored])?;
    }
    represent::reply(context, 200, stored, &reads, projection).await
}

/// Whether the delete of any resource is pending. A deleted member is not shown from its delete on, and the group has a
/// new version only when its edge is deleted. This has to be read before the group: a delete that is completed before
/// this read has given the group its new version.
async fn is_delete_pending(context: &Context<'_>) -> Result<bool, Error> {
    let pending = context.directory.pending_changes(context.tenant()).await.map_err(to_client_error)?;
    Ok(pending.hide_any())
}

/// The resource that a URL names.
pub(crate) async fn find(context: &Context<'_>, kind: Kind, id: &str) -> Result<StoredResource, Error> {
    let id = ResourceId::parse(id).ok_or_else(|| Error::not_found(kind))?;
    let stored = context.directory.get(context.tenant(), kind, &id).await.map_err(to_client_error)?;
    stored.ok_or_else(|| Error::not_found(kind))
}
