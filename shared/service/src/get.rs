//! Reading one resource (RFC 7644 §3.4.1).

use futures_util::future::try_join;
use protocol::{Error, Precondition, Projection, Reply, entity_tag};
use schema::{Kind, ResourceId, resource_type};
use store::Stored;

use crate::error::failed;
use crate::represent::AtHand;
use crate::{Context, represent};

/// Reads the resource called `id`.
///
/// # Errors
/// [`Error::NotFound`] if the tenant has no such resource, [`Error::PreconditionFailed`] if it has not the version of `If-Match`.
pub async fn get(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    precondition: &Precondition,
) -> Result<Reply, Error> {
    let groups = represent::groups_beside(context, kind, id, projection);
    let (stored, groups) = try_join(find(context, kind, id), groups).await?;
    precondition.check_match(stored.version)?;
    // The groups of a user change without its version.
    let follows_version = kind == Kind::Group || !projection.wants(resource_type(kind), "groups");
    if follows_version && precondition.is_not_modified(stored.version) {
        let version = Some(entity_tag(stored.version));
        return Ok(Reply { status: 304, version, ..Reply::default() });
    }
    let with_edges = projection.wants(resource_type(kind), represent::edges_attribute(kind));
    represent::fits(std::slice::from_ref(&stored), with_edges)?;
    represent::reply(context, 200, stored, groups.map(AtHand::Groups), projection).await
}

/// The resource that a URL names.
pub(crate) async fn find(context: &Context<'_>, kind: Kind, id: &str) -> Result<Stored, Error> {
    let id = ResourceId::parse(id).ok_or_else(|| Error::not_found(kind))?;
    let stored = context.directory.get(context.tenant(), kind, &id).await.map_err(failed)?;
    stored.ok_or_else(|| Error::not_found(kind))
}
