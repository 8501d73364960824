//! Finishes unfinished changes in the background, as `functions/settle` does on AWS, by the same code.

use std::time::{Duration, Instant};

use gateway::iam::as_function;
use store::Directory;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::terminal;

/// The pause between two reads of the list of unfinished changes.
const PAUSE: Duration = Duration::from_secs(10);
/// The longest time for the changes of one read.
const BUDGET: Duration = Duration::from_secs(60);

/// Starts to finish changes, until the process ends. A change may be interrupted anywhere.
pub(crate) fn start(directory: &'static Directory) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(PAUSE).await;
            let work = service::finish_changes(directory, Instant::now() + BUDGET);
            if let Err(error) = as_function("Settle", work).await {
                let error = anyhow::Error::new(error).context("cannot finish pending changes; they are tried again");
                terminal::print_error(&error);
            }
        }
    })
}
