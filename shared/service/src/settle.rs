//! Rolling forward: what a commit leaves to do is completed by whoever comes next.

use protocol::{Error, Tenant};
use schema::{Kind, ResourceId};
use store::Directory;

use crate::delete::remove_edges;

/// Whether anything is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// The time was over before the work was.
    Later,
}

/// Completes what an interrupted change has left to do for a resource. It is safe at any time.
///
/// # Errors
/// Those of the store.
pub async fn settle(directory: &Directory, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Settled, Error> {
    let found = directory.get(tenant, kind, id).await.map_err(crate::failure::failed)?;
    if found.is_none() {
        remove_edges(directory, tenant, kind, id).await?;
    }
    Ok(Settled::Done)
}
