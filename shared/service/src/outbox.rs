//! What follows a change once it is committed: what it has left to do is completed, and then the application hears of it.

use protocol::event::{Change, ChangeType, Current, Event, events};
use protocol::{Error, Projection};
use schema::resource_type;
use store::{Directory, SettleState};

use crate::error::failed;
use crate::{pending, represent};

/// How events are told.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// Who tells them, `https://…/scim/v2`.
    pub base_url: String,
    /// Whether a resource goes along with the events about it.
    pub with_resources: bool,
}

/// Completes a change, and gives its events in the order in which they are to be published; `None` if it is not complete yet and
/// has to be followed again.
///
/// # Errors
/// Those of the store. All of it may be repeated.
pub async fn complete_and_build_events(
    directory: &Directory,
    change: &Change,
    telling: &EventOptions,
) -> Result<Option<Vec<Event>>, Error> {
    let Change { tenant, resource, .. } = change;
    let leaves_more = change.is_chunked || change.verb == ChangeType::Deleted;
    if leaves_more && pending::behind(directory, tenant, resource).await? == SettleState::Unfinished {
        return Ok(None);
    }
    let parts = match change.is_chunked {
        true => directory.chunks_of_change(tenant, &change.id).await.map_err(failed)?,
        false => Vec::new(),
    };
    let current = current(directory, change, telling).await?;
    Ok(Some(events(change, &parts, &telling.base_url, current.as_ref())))
}

/// The resource as it is now, where it is to go along: as everybody may see it, without edges.
async fn current(directory: &Directory, change: &Change, telling: &EventOptions) -> Result<Option<Current>, Error> {
    if !telling.with_resources || change.verb == ChangeType::Deleted {
        return Ok(None);
    }
    let stored = directory.get(&change.tenant, change.kind, &change.resource).await.map_err(failed)?;
    Ok(stored.map(|mut stored| {
        let resource = represent::bare(&telling.base_url, &mut stored);
        let resource = Projection::default().apply(resource_type(change.kind), resource);
        Current { version: stored.version, resource }
    }))
}
