//! Pauses between the attempts of one call: exponential, bounded and jittered.

use std::time::Duration;

/// The pauses of one series of attempts.
///
/// Each pause is drawn at random between a tenth of a bound and the whole of it. The bound starts at `first_ms`,
/// doubles with each pause and stops at `max_ms`. The wide range spreads callers that compete for the same item.
#[derive(Debug, Clone)]
pub struct Backoff {
    bound_ms: u64,
    max_ms: u64,
}

impl Backoff {
    /// A series whose first pause takes at most `first_ms` milliseconds, and no pause more than `max_ms`.
    #[must_use]
    pub fn new(first_ms: u64, max_ms: u64) -> Self {
        Self { bound_ms: first_ms.min(max_ms), max_ms }
    }

    /// The next pause, for callers that have to compare it with a deadline before they wait.
    pub fn next_pause(&mut self) -> Duration {
        let pause_ms = fastrand::u64(self.bound_ms / 10..=self.bound_ms);
        self.bound_ms = self.bound_ms.saturating_mul(2).min(self.max_ms);
        Duration::from_millis(pause_ms)
    }

    /// Waits for the next pause.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_pause()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_after_each_pause_doubles_its_bound_up_to_the_maximum() {
        for _ in 0..100 {
            let mut backoff = Backoff::new(20, 100);
            for bound_ms in [20, 40, 80, 100, 100] {
                let pause_ms = u64::try_from(backoff.next_pause().as_millis()).unwrap();
                assert!((bound_ms / 10..=bound_ms).contains(&pause_ms), "{pause_ms} of {bound_ms}");
            }
        }
    }

    #[test]
    fn backoff_with_a_maximum_below_the_first_bound_stays_at_the_maximum() {
        assert!(Backoff::new(500, 10).next_pause() <= Duration::from_millis(10));
        assert_eq!(Backoff::new(0, 0).next_pause(), Duration::ZERO);
    }
}
