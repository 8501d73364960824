//! Trying again after a lost race (optimistic concurrency), within the time that a client waits.

use std::time::{Duration, Instant};

use protocol::Error;

const DEADLINE: Duration = Duration::from_secs(15);
const SHORTEST_MS: u64 = 5;
/// The longest pause doubles with each loss, up to this: the more there are who want the same, the less often each asks.
const LONGEST_MS: u64 = 800;

/// API Gateway waits 29 seconds for the answer.
const ANSWER: Duration = Duration::from_secs(20);

/// The tries of one change.
pub(crate) struct Contest {
    begun: Instant,
    longest_ms: u64,
}

impl Contest {
    pub(crate) fn new() -> Self {
        Contest { begun: Instant::now(), longest_ms: 30 }
    }

    /// Until when it goes on.
    pub(crate) fn until(&self) -> Instant {
        self.begun + DEADLINE
    }

    /// Until when there is time for more than the answer.
    pub(crate) fn answer(&self) -> Instant {
        self.begun + ANSWER
    }

    /// Waits a moment, at random, after another change came first.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] once the time is over.
    pub(crate) async fn lost(&mut self) -> Result<(), Error> {
        if Instant::now() >= self.until() {
            return Err(crate::failure::failed(store::Error::Contended));
        }
        self.longest_ms = (self.longest_ms * 2).min(LONGEST_MS);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(SHORTEST_MS..self.longest_ms))).await;
        Ok(())
    }
}
