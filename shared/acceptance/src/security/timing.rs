//! Compares how long requests take.

use std::time::{Duration, Instant};

use crate::answer::Answer;

/// How many times as long as the plain request the other may take.
const TIMES: u32 = 10;
/// How much longer it may take on top of that.
const SLACK: Duration = Duration::from_secs(2);
/// How often both are sent: a busy machine delays single requests, so the fastest are compared.
const TRIES: usize = 30;

/// Checks that a hostile request takes no more than ten times as long as a plain one, and two seconds; returns the answer to
/// the hostile one.
///
/// # Panics
///
/// If it takes longer.
pub fn no_slower(what: &str, hostile: impl Fn() -> Answer, plain: impl Fn() -> Answer) -> Answer {
    let time = |send: &dyn Fn() -> Answer| {
        let start = Instant::now();
        let answer = send();
        (start.elapsed(), answer)
    };
    let (mut slow, mut fast) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        let (taken, answer) = time(&hostile);
        (slow, fast) = (slow.min(taken), fast.min(time(&plain).0));
        if slow < fast * TIMES + SLACK {
            return answer;
        }
    }
    panic!("{what} takes {slow:?}, where a plain one takes {fast:?}");
}
