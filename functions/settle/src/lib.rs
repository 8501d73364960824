//! Finishes, once a minute, the changes that requests have left unfinished: large changes of members that are not
//! applied to all of their edges, and deletes whose edges are not all deleted. The scheduled event is ignored.

use std::time::{Duration, Instant};

use protocol::Error;
use serde::Serialize;
use serde::de::IgnoredAny;
use service::finish_changes;
use store::Directory;

/// No change is started later than this after the start of an invocation. The template's time limit of the function is
/// a minute longer, which is more than a turn of [`finish_changes`].
const BUDGET: Duration = Duration::from_secs(240);

/// How many changes an invocation has finished, and how many attempts have failed.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub completed: usize,
    pub failed: usize,
}

/// # Errors
/// [`Error::Internal`] if a change has just failed for an hour, so that the event goes to the queue of dead letters and
/// its alarm is raised; the errors of the store, if it does not respond.
pub async fn handle(directory: &Directory, _: IgnoredAny) -> Result<Summary, Error> {
    let finished = finish_changes(directory, Instant::now() + BUDGET).await?;
    let completed = finished.completed;
    let failed = finished.failed;
    if completed + failed > 0 {
        tracing::info!(completed, failed, "finished changes");
    }
    if finished.stuck > 0 {
        return Err(Error::Internal);
    }
    Ok(Summary { completed, failed })
}
