//! Trying again after a lost race (optimistic concurrency), within the time that a client waits.

use std::time::{Duration, Instant};

use protocol::Error;

const DEADLINE: Duration = Duration::from_secs(10);
const PAUSES_MS: std::ops::Range<u64> = 5..60;

/// The tries of one change.
pub(crate) struct Contest {
    until: Instant,
}

impl Contest {
    pub(crate) fn new() -> Self {
        Contest { until: Instant::now() + DEADLINE }
    }

    /// Waits a moment, at random, after another change came first.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] once the time is over.
    pub(crate) async fn lost(&self) -> Result<(), Error> {
        if Instant::now() >= self.until {
            return Err(crate::failure::failed(store::Error::Contended));
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(PAUSES_MS))).await;
        Ok(())
    }
}
