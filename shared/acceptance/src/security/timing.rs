//! Compares how long requests take.

use std::time::{Duration, Instant};

use crate::answer::Answer;

/// The factor by which the hostile request may take longer than the plain request.
const MAX_RATIO: u32 = 10;
/// The time that the hostile request may take in addition.
const SLACK: Duration = Duration::from_secs(2);
/// The most times that both are sent. A busy machine delays single requests, so the fastest ones are compared.
const MAX_TRIES: usize = 30;

/// Checks that a hostile request takes at most ten times as long as a plain request and two seconds more; returns
/// the response to the hostile request.
///
/// # Panics
///
/// If the hostile request takes longer.
pub fn no_slower(what: &str, hostile: impl Fn() -> Answer, plain: impl Fn() -> Answer) -> Answer {
    let time = |send: &dyn Fn() -> Answer| {
        let start = Instant::now();
        let answer = send();
        (start.elapsed(), answer)
    };
    let (mut fastest_hostile, mut fastest_plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..MAX_TRIES {
        let (taken, answer) = time(&hostile);
        (fastest_hostile, fastest_plain) = (fastest_hostile.min(taken), fastest_plain.min(time(&plain).0));
        if fastest_hostile < fastest_plain * MAX_RATIO + SLACK {
            return answer;
        }
    }
    panic!("{what} takes {fastest_hostile:?}, but the plain request takes {fastest_plain:?}");
}
