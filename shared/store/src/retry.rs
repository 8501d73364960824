//! Waiting before a repeat: exponential, with jitter, and within a deadline.
//!
//! The SDK repeats lost connections, 5xx and plain throttling; it does not repeat what is refused inside a transaction
//! or left over from a batch.

use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const PAUSES: u32 = 6;
const DEADLINE: Duration = Duration::from_secs(4);

pub(crate) struct Backoff {
    paused: u32,
    until: Instant,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { paused: 0, until: Instant::now() + DEADLINE }
    }

    /// Waits longer each time. False, at once, when it is time to give up.
    pub(crate) async fn pause(&mut self) -> bool {
        let pause = FIRST_PAUSE * (1 << self.paused.min(PAUSES));
        let pause = pause.mul_f64(0.5 + fastrand::f64());
        if self.paused == PAUSES || Instant::now() + pause > self.until {
            return false;
        }
        self.paused += 1;
        tokio::time::sleep(pause).await;
        true
    }
}
