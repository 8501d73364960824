//! The requests that may change something and have not ended yet.
//!
//! The relay reads change records in the order of their ids, and an id is generated before its commit. So the relay
//! may read no further than the beginning of the oldest request in flight: all that this request commits has a
//! later id, and no record is skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

/// How long a request that ended without a response of the function may still commit.
const UNKNOWN_OUTCOME_GRACE: Duration = Duration::from_secs(2);

/// The information of the server for the relay: which requests are in flight, and which tenants may have changed.
#[derive(Default)]
pub(crate) struct InFlightRequests {
    state: Mutex<RequestTable>,
    changed: Notify,
}

#[derive(Default)]
struct RequestTable {
    /// The requests by their sequence number.
    requests: BTreeMap<u64, RequestEntry>,
    last_number: u64,
    /// The tenants of requests that have ended since the relay last read this.
    changed_tenants: BTreeSet<String>,
}

struct RequestEntry {
    /// Milliseconds since 1970.
    begun_ms: u64,
    /// For a request that has ended with an unknown outcome: the time from which it is ignored.
    expires: Option<Instant>,
}

/// How far the relay may read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// Each change whose id is of an earlier millisecond since 1970 is committed, or never will be.
    pub(crate) committed_before_ms: u64,
    /// Whether a request in flight keeps the horizon from moving on.
    pub(crate) is_blocked: bool,
}

/// A request in flight, until it is dropped.
pub(crate) struct RequestGuard {
    requests: Arc<InFlightRequests>,
    number: u64,
    tenant: Option<String>,
    has_known_outcome: bool,
}

impl InFlightRequests {
    pub(crate) fn begin(self: &Arc<Self>) -> RequestGuard {
        let mut state = self.lock();
        state.last_number += 1;
        let number = state.last_number;
        state.requests.insert(number, RequestEntry { begun_ms: now_ms(), expires: None });
        RequestGuard { requests: self.clone(), number, tenant: None, has_known_outcome: false }
    }

    /// Wakes the relay: this tenant may have changed.
    pub(crate) fn notify(&self, tenant: String) {
        self.lock().changed_tenants.insert(tenant);
        self.changed.notify_one();
    }

    /// The tenants that may have changed since the last call.
    pub(crate) fn take_changed_tenants(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().changed_tenants)
    }

    /// Waits until a tenant may have changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn horizon(&self) -> Horizon {
        // The time is read before the requests: a change of a request that begins in between has a later id.
        let now_ms = now_ms();
        let now = Instant::now();
        let mut state = self.lock();
        state.requests.retain(|_, request| request.expires.is_none_or(|expires| now < expires));
        let oldest = state.requests.values().map(|request| request.begun_ms).min();
        Horizon { committed_before_ms: oldest.unwrap_or(now_ms + 1), is_blocked: oldest.is_some() }
    }

    fn lock(&self) -> MutexGuard<'_, RequestTable> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestGuard {
    pub(crate) fn set_tenant(&mut self, tenant: &str) {
        self.tenant = Some(tenant.to_owned());
    }

    /// The function has responded: all changes of the request are committed, and no more will follow.
    pub(crate) fn set_outcome_known(&mut self) {
        self.has_known_outcome = true;
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.requests.lock();
        if self.has_known_outcome {
            state.requests.remove(&self.number);
        } else if let Some(request) = state.requests.get_mut(&self.number) {
            request.expires = Some(Instant::now() + UNKNOWN_OUTCOME_GRACE);
        }
        drop(state);
        if let Some(tenant) = self.tenant.take() {
            self.requests.notify(tenant);
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizon_stops_at_the_oldest_request_in_flight() {
        let requests = Arc::new(InFlightRequests::default());
        let start = now_ms();
        let idle = requests.horizon();
        assert!(idle.committed_before_ms > start && !idle.is_blocked);
        let mut first = requests.begin();
        first.set_tenant("acme");
        std::thread::sleep(Duration::from_millis(5));
        let mut second = requests.begin();
        let blocked = requests.horizon();
        assert!(blocked.committed_before_ms >= start && blocked.committed_before_ms < now_ms() && blocked.is_blocked);
        second.set_outcome_known();
        drop(second);
        assert_eq!(requests.horizon(), blocked, "the first one is still in flight");
        assert!(requests.take_changed_tenants().is_empty());
        first.set_outcome_known();
        drop(first);
        assert!(requests.horizon().committed_before_ms > blocked.committed_before_ms && !requests.horizon().is_blocked);
        assert_eq!(requests.take_changed_tenants(), BTreeSet::from(["acme".to_owned()]));
        assert!(requests.take_changed_tenants().is_empty());
    }

    #[test]
    fn request_with_unknown_outcome_blocks_for_its_grace() {
        let requests = Arc::new(InFlightRequests::default());
        drop(requests.begin());
        assert!(requests.horizon().is_blocked);
        requests.lock().requests.values_mut().for_each(|request| request.expires = Some(Instant::now()));
        assert!(!requests.horizon().is_blocked);
    }
}
