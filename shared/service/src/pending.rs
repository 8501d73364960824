//! Finishes pending changes. A large change counts as a whole from its commit on, but its membership items are
//! written afterwards: by the request that committed it, by the next change of the resource, or by the function
//! `settle`, as `unfinished` describes.

use std::time::{Duration, Instant};

use protocol::Error;
use schema::ResourceId;
use store::{CommitState, SettleState};

use crate::Context;
use crate::error::to_client_error;

/// The longest time that a request spends on its own commit before it responds. The function `settle` does the
/// rest.
const INLINE_BUDGET: Duration = Duration::from_secs(8);
/// Seconds after which the client may repeat a request that met the pending change of another one.
const RETRY_AFTER_SECONDS: u32 = 5;

/// How often a request waits for a change that cannot be finished.
const MAX_WAITS: u32 = 4;

/// The times that a request has found the same change pending, although nothing was left to finish. DynamoDB may show
/// the end of a change a moment late. A table that was restored to the middle of a commit shows it permanently.
#[derive(Default)]
pub(crate) struct Waits {
    change: Option<ResourceId>,
    times: u32,
}

impl Waits {
    /// Notes that a change of a resource is pending. Returns whether it was pending the last time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it is not going to end; the errors of a read.
    pub(crate) async fn again(
        &mut self,
        context: &Context<'_>,
        id: &ResourceId,
        change: &ResourceId,
    ) -> Result<bool, Error> {
        if self.change.as_ref() != Some(change) {
            *self = Self { change: Some(change.clone()), times: 0 };
            return Ok(false);
        }
        self.times += 1;
        let may_end = async || {
            let is_stranded = context.directory.is_stranded(context.tenant(), id, change).await;
            is_stranded.map(|is| !is).map_err(to_client_error)
        };
        if self.times < MAX_WAITS || may_end().await? {
            return Ok(true);
        }
        tracing::error!(%change, "a pending change has no pending item; run DirectoryCheck with repair");
        Err(Error::Unavailable { retry_after: RETRY_AFTER_SECONDS })
    }
}

/// Finishes the change that this request has committed, as far as time allows. The change counts already, so an error
/// here is not an error of the request.
pub(crate) async fn finish_own_commit(
    context: &Context<'_>,
    id: &ResourceId,
    committed: CommitState,
    until: Instant,
) -> SettleState {
    if committed == CommitState::Complete {
        return SettleState::Done;
    }
    let until = until.min(Instant::now() + INLINE_BUDGET);
    let finished = context.directory.settle(context.tenant(), id, until).await;
    finished.unwrap_or_else(|cause| {
        tracing::warn!(%cause, resource = %id, "failed to finish a committed change");
        SettleState::Unfinished
    })
}

/// Finishes the changes that earlier requests have committed for a resource that this request is about to change.
///
/// # Errors
/// [`Error::TooManyRequests`] if that takes longer than `until`.
pub(crate) async fn finish_pending(context: &Context<'_>, id: &ResourceId, until: Instant) -> Result<(), Error> {
    match context.directory.settle(context.tenant(), id, until).await.map_err(to_client_error)? {
        SettleState::Done | SettleState::Waiting => Ok(()),
        SettleState::Unfinished => Err(Error::TooManyRequests { retry_after: RETRY_AFTER_SECONDS }),
    }
}
