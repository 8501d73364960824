//! How many requests got which kind of response.

use std::fmt;

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) done: u64,
    pub(super) refused: u64,
    pub(super) deferred: u64,
    pub(super) unknown: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.done += other.done;
        self.refused += other.refused;
        self.deferred += other.deferred;
        self.unknown += other.unknown;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { requests, done, refused, deferred, unknown } = self;
        write!(f, "{requests} requests: {done} done, {refused} refused, {deferred} deferred by 429, {unknown} by 503")
    }
}
