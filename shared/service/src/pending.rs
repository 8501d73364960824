//! Rolling forward: a commit counts whole at once, and what it leaves to do for the edges is done by whoever comes next.

use std::time::{Duration, Instant};

use protocol::{Error, Tenant};
use schema::ResourceId;
use store::{CommitState, Directory, SettleState};

use crate::Context;
use crate::error::failed;

/// What a request spends at most on what it has committed, before it answers. The rest is left to the function `settle`.
const OWN: Duration = Duration::from_secs(8);
/// What is spent on it behind the requests, within the time of the function `settle`. Then that comes again.
const BEHIND: Duration = Duration::from_secs(40);
/// Seconds after which it is worth another try, where another change is still being applied.
const RETRY_AFTER: u32 = 5;

/// Completes what this request has committed, as far as there is time. It counts already: a failure is no failure of the request.
pub(crate) async fn after(
    context: &Context<'_>,
    id: &ResourceId,
    committed: CommitState,
    until: Instant,
) -> SettleState {
    if committed == CommitState::Complete {
        return SettleState::Done;
    }
    let settled = context.directory.settle(context.tenant(), id, until.min(Instant::now() + OWN)).await;
    settled.unwrap_or_else(|cause| {
        tracing::warn!(%cause, resource = %id, "what is committed is left for later");
        SettleState::Unfinished
    })
}

/// Completes what others have left to do for a resource that this request is about to change.
///
/// # Errors
/// [`Error::TooManyRequests`] if that takes longer than `until`.
pub(crate) async fn before(context: &Context<'_>, id: &ResourceId, until: Instant) -> Result<(), Error> {
    match context.directory.settle(context.tenant(), id, until).await.map_err(failed)? {
        SettleState::Done => Ok(()),
        SettleState::Unfinished => Err(Error::TooManyRequests { retry_after: RETRY_AFTER }),
    }
}

/// Completes what a change has left to do for a resource, behind the requests.
///
/// # Errors
/// Those of the store.
pub(crate) async fn behind(directory: &Directory, tenant: &Tenant, id: &ResourceId) -> Result<SettleState, Error> {
    directory.settle(tenant, id, Instant::now() + BEHIND).await.map_err(failed)
}
