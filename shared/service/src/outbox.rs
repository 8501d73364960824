//! Builds the events of a committed change, for publication. Readers see a change as a whole from its commit on, so its
//! events do not wait until it is applied to all of its edges.

use protocol::Projection;
use protocol::event::{Change, ChangeType, CurrentResource, Event, events};
use schema::resource_type;
use store::{Directory, Error};

use crate::represent::Representation;

/// How events are built.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// The issuer of the events, `https://…/scim/v2`.
    pub base_url: String,
    /// Whether an event includes the resource that it is about.
    pub with_resources: bool,
}

/// The events of a change, in the order in which they have to be published.
///
/// # Errors
/// The errors of the store. The call may be repeated.
pub async fn build_events(directory: &Directory, change: &Change, options: &EventOptions) -> Result<Vec<Event>, Error> {
    let chunks =
        if change.is_chunked { directory.chunks_of_change(&change.tenant, &change.id).await? } else { Vec::new() };
    let current = current_resource(directory, change, options).await?;
    Ok(events(change, &chunks, &options.base_url, current.as_ref()))
}

/// The resource as it is now, if events include it: in the default projection, without edges. `None` if it was changed
/// again or deleted, or cannot be read at the moment.
async fn current_resource(
    directory: &Directory,
    change: &Change,
    options: &EventOptions,
) -> Result<Option<CurrentResource>, Error> {
    if !options.with_resources || change.change_type == ChangeType::Deleted {
        return Ok(None);
    }
    let stored = match directory.get(&change.tenant, change.kind, &change.resource).await {
        // The tenant uses all throughput of its partition, or a newer release has written the resource. The events
        // of other tenants do not wait for that.
        Err(Error::Throttled | Error::NewerFormat) => None,
        read => read?,
    };
    Ok(stored.map(|stored| {
        let Representation { stored, body, .. } = Representation::new(&options.base_url, stored);
        let resource = Projection::default().apply(resource_type(change.kind), body);
        CurrentResource { version: stored.version, resource }
    }))
}
