//! Deleting a resource (RFC 7644 §3.6): it and its names go in one commit, then what edges are left.

use protocol::{Error, Precondition, Tenant};
use schema::{Kind, ResourceId};
use store::{ChangeRecord, Commit, Directory, Error as StoreError, Write};

use crate::contest::Contest;
use crate::failure::{failed, failed_after_write};
use crate::keys::{keys_of, new_id, now};
use crate::{Context, Reply};

/// Deletes a resource, and takes it out of every group.
///
/// # Errors
/// [`Error::NotFound`], also for a resource that is deleted already; what such a delete may have left undone is done first.
pub async fn delete(context: &Context<'_>, kind: Kind, id: &str, precondition: &Precondition) -> Result<Reply, Error> {
    let id = ResourceId::parse(id).ok_or_else(|| Error::no_such(kind))?;
    let tenant = &context.caller.tenant;
    let contest = Contest::new();
    loop {
        let (stored, leave) = futures_util::future::try_join(
            context.directory.get(tenant, kind, &id),
            context.directory.groups_of(tenant, &id),
        )
        .await
        .map_err(failed)?;
        let Some(stored) = stored else {
            finish(context, kind, &id).await?;
            return Err(Error::no_such(kind));
        };
        precondition.check(stored.version)?;
        let write = Write::Delete { expected: stored.version, before: keys_of(kind, &stored.resource)? };
        let change = ChangeRecord { id: new_id()?, at: now(), attributes: Vec::new() };
        let commit = Commit { kind, id: id.clone(), write, add: Vec::new(), remove: Vec::new(), leave, change };
        match context.directory.commit(context.caller, &commit).await {
            Ok(()) => break,
            Err(StoreError::Stale) => contest.lost().await?,
            Err(StoreError::Missing) => return Err(Error::no_such(kind)),
            Err(error) => return Err(failed(error)),
        }
    }
    remove_edges(context.directory, tenant, kind, &id).await.map_err(failed_after_write)?;
    Ok(Reply { status: 204, location: None, version: None, body: None })
}

/// Does what an earlier delete may have left undone. An id of the other kind is alive, and keeps its edges.
async fn finish(context: &Context<'_>, kind: Kind, id: &ResourceId) -> Result<(), Error> {
    let tenant = &context.caller.tenant;
    let alive = context.directory.existing(tenant, std::slice::from_ref(id)).await.map_err(failed)?;
    if alive.is_empty() { remove_edges(context.directory, tenant, kind, id).await } else { Ok(()) }
}

/// Nothing can be added to a resource that is gone, nor it to another, so what is found here is all there is.
pub(crate) async fn remove_edges(
    directory: &Directory,
    tenant: &Tenant,
    kind: Kind,
    id: &ResourceId,
) -> Result<(), Error> {
    directory.remove_edges_of_member(tenant, id, &now()).await.map_err(failed)?;
    if kind == Kind::Group {
        directory.remove_edges_of_group(tenant, id).await.map_err(failed)?;
    }
    Ok(())
}
