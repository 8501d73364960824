//! The store's own retries of a call, and the time after which it stops.
//!
//! The SDK retries lost connections, 5xx and plain throttling. It does not retry a transaction that DynamoDB has
//! cancelled, or items of a batch that DynamoDB has not processed.

use std::time::{Duration, Instant};

use crate::Backoff;

const FIRST_PAUSE_MS: u64 = 40;
const MAX_PAUSE_MS: u64 = 1280;
const MAX_RETRIES: u32 = 6;
const RETRY_WINDOW: Duration = Duration::from_secs(4);
/// The longest pause and the window of a call that is one of hundreds. Together the calls use all the throughput of a
/// partition for seconds, so that DynamoDB may throttle each of them many times.
const BULK_MAX_PAUSE_MS: u64 = 320;
const BULK_WINDOW: Duration = Duration::from_secs(15);

/// The retries that one call may still make.
pub(crate) struct RetryBudget {
    left: u32,
    deadline: Instant,
    backoff: Backoff,
}

impl RetryBudget {
    pub(crate) fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS);
        Self { left: MAX_RETRIES, deadline: Instant::now() + RETRY_WINDOW, backoff }
    }

    /// The retries of a call that is one of hundreds.
    pub(crate) fn of_bulk_call() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE_MS, BULK_MAX_PAUSE_MS);
        Self { left: u32::MAX, deadline: Instant::now() + BULK_WINDOW, backoff }
    }

    /// Waits for the next retry. Returns `false` at once when the budget is used up.
    pub(crate) async fn wait(&mut self) -> bool {
        let pause = self.backoff.next_pause();
        if self.left == 0 || Instant::now() + pause > self.deadline {
            return false;
        }
        self.left -= 1;
        tokio::time::sleep(pause).await;
        true
    }
}
