//! Builds the events of a committed change, for publication, after it has finished what the change left pending.

use protocol::event::{Change, ChangeType, Current, Event, events};
use protocol::{Error, Projection};
use schema::resource_type;
use store::{Directory, SettleState};

use crate::error::to_client_error;
use crate::pending;
use crate::represent::Represented;

/// How events are built.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// The issuer of the events, `https://…/scim/v2`.
    pub base_url: String,
    /// Whether an event includes the resource that it is about.
    pub with_resources: bool,
}

/// Finishes a change, and returns its events in the order in which they have to be published; `None` if the change
/// is not finished yet, so that the caller has to call the function again.
///
/// # Errors
/// The errors of the store. The call may be repeated.
pub async fn complete_and_build_events(
    directory: &Directory,
    change: &Change,
    options: &EventOptions,
) -> Result<Option<Vec<Event>>, Error> {
    let may_be_pending = change.is_chunked || change.change_type == ChangeType::Deleted;
    if may_be_pending {
        let state = pending::finish_in_background(directory, &change.tenant, &change.resource).await?;
        if state == SettleState::Unfinished {
            return Ok(None);
        }
    }
    let chunks = if change.is_chunked {
        directory.chunks_of_change(&change.tenant, &change.id).await.map_err(to_client_error)?
    } else {
        Vec::new()
    };
    let current = current_resource(directory, change, options).await?;
    Ok(Some(events(change, &chunks, &options.base_url, current.as_ref())))
}

/// The resource as it is now, if events include it: in the default projection, without edges.
async fn current_resource(
    directory: &Directory,
    change: &Change,
    options: &EventOptions,
) -> Result<Option<Current>, Error> {
    if !options.with_resources || change.change_type == ChangeType::Deleted {
        return Ok(None);
    }
    let stored = directory.get(&change.tenant, change.kind, &change.resource).await.map_err(to_client_error)?;
    Ok(stored.map(|stored| {
        let Represented { stored, body, .. } = Represented::new(&options.base_url, stored);
        let resource = Projection::default().apply(resource_type(change.kind), body);
        Current { version: stored.version, resource }
    }))
}
