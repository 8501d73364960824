//! Whose changes are to be followed, and up to which instant: what was begun before it has come to its end.
//!
//! Records are read in the order of their ids, and an id is made before its commit. So no further is read than where the
//! oldest request that is still under way began: whatever it commits comes after that, and nothing is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

/// A request without a proper answer may still be carried out, for so long.
const LINGERING: Duration = Duration::from_secs(2);

/// What the gateway tells the follower.
#[derive(Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    /// By number: when it began, in milliseconds since 1970, and, if its outcome is unknown, until when that matters.
    under_way: BTreeMap<u64, (u64, Option<Instant>)>,
    begun: u64,
    /// Tenants of requests that have ended.
    tenants: BTreeSet<String>,
}

/// A request that may change something; it ends with its value.
pub(crate) struct Ticket {
    feed: Arc<Feed>,
    number: u64,
    tenant: Option<String>,
    answered: bool,
}

impl Feed {
    pub(crate) fn begin(self: &Arc<Self>) -> Ticket {
        let mut state = self.lock();
        state.begun += 1;
        let number = state.begun;
        state.under_way.insert(number, (now(), None));
        Ticket { feed: self.clone(), number, tenant: None, answered: false }
    }

    /// There may be changes of this tenant.
    pub(crate) fn tell(&self, tenant: String) {
        self.lock().tenants.insert(tenant);
        self.news.notify_one();
    }

    /// The tenants of which there may be changes since they were asked for last.
    pub(crate) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().tenants)
    }

    /// Waits until there is a tenant to take.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// Every change with an id of an earlier millisecond is committed, or will never be; and whether a request stands in the way of
    /// a later instant.
    pub(crate) fn settled_until(&self) -> (u64, bool) {
        let (now, instant) = (now(), Instant::now());
        let mut state = self.lock();
        state.under_way.retain(|_, (_, until)| until.is_none_or(|until| instant < until));
        let oldest = state.under_way.values().map(|(begun, _)| *begun).min();
        (oldest.unwrap_or(now + 1), oldest.is_some())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(crate) fn is_of(&mut self, tenant: &str) {
        self.tenant = Some(tenant.to_owned());
    }

    /// Its outcome is known: what it has changed is committed, and all else never will be.
    pub(crate) fn answered(&mut self) {
        self.answered = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.feed.lock();
        if self.answered {
            state.under_way.remove(&self.number);
        } else if let Some((_, until)) = state.under_way.get_mut(&self.number) {
            *until = Some(Instant::now() + LINGERING);
        }
        drop(state);
        self.tenant.take().into_iter().for_each(|tenant| self.feed.tell(tenant));
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_behind_the_oldest_request_under_way() {
        let feed = Arc::new(Feed::default());
        let start = now();
        let (free, waits) = feed.settled_until();
        assert!(free > start && !waits);
        let mut first = feed.begin();
        first.is_of("acme");
        std::thread::sleep(Duration::from_millis(5));
        let mut second = feed.begin();
        let (until, waits) = feed.settled_until();
        assert!(until >= start && until < now() && waits);
        second.answered();
        drop(second);
        assert_eq!((feed.settled_until().0, feed.take().len()), (until, 0), "the first one is still there");
        first.answered();
        drop(first);
        assert!(feed.settled_until().0 > until && !feed.settled_until().1);
        assert_eq!(feed.take(), BTreeSet::from(["acme".to_owned()]));
        assert!(feed.take().is_empty());
    }

    #[test]
    fn a_request_without_an_answer_is_waited_for() {
        let feed = Arc::new(Feed::default());
        drop(feed.begin());
        assert!(feed.settled_until().1);
        feed.lock().under_way.values_mut().for_each(|(_, until)| *until = Some(Instant::now()));
        assert!(!feed.settled_until().1);
    }
}
