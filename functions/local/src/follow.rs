//! What `functions/settle` does on AWS, by the same code: it completes changes and tells their events, at least once. The
//! table's stream is stood in for by the records themselves, which are read when a request has ended.
//!
//! The position is kept in memory. After a restart it goes on where the file of events ended; a new file begins with the first
//! record that there is. Without a file, what was before the start is completed, as far as a day back, and not told.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use protocol::Tenant;
use schema::ResourceId;
use service::EventOptions;
use store::{Directory, created_at_ms, first_change_id};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::feed::{Feed, now};
use crate::herald::Herald;
use crate::{rights, terminal};

const PAGE: usize = 500;
/// As long as a stream of DynamoDB remembers.
const DAY: u64 = 24 * 60 * 60 * 1000;
/// When what could not be followed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Follows the changes of every tenant that the feed names.
pub(crate) struct Follower {
    directory: &'static Directory,
    feed: Arc<Feed>,
    telling: EventOptions,
    herald: Herald,
    places: HashMap<String, Place>,
    begun: u64,
}

/// How far the changes of a tenant are followed.
struct Place {
    after: Option<ResourceId>,
    /// What was made before this millisecond is not told.
    told_from: u64,
}

/// A follower at work.
pub(crate) struct Following {
    work: JoinHandle<()>,
    stop: Arc<Notify>,
}

impl Following {
    /// Follows what is left to follow, and ends; but not for longer than this.
    pub(crate) async fn finish(self, within: Duration) {
        self.stop.notify_one();
        drop(tokio::time::timeout(within, self.work).await);
    }
}

impl Follower {
    pub(crate) fn new(directory: &'static Directory, feed: Arc<Feed>, telling: EventOptions, herald: Herald) -> Self {
        Self { directory, feed, telling, herald, places: HashMap::new(), begun: now() }
    }

    pub(crate) fn start(self) -> Following {
        let stop = Arc::new(Notify::new());
        Following { work: tokio::spawn(self.run(stop.clone())), stop }
    }

    async fn run(mut self, stop: Arc<Notify>) {
        let mut behind = BTreeSet::new();
        loop {
            let stopped = tokio::select! {
                () = self.feed.news() => false,
                () = tokio::time::sleep(PAUSE), if !behind.is_empty() => false,
                () = stop.notified() => true,
            };
            behind.append(&mut self.feed.take());
            for tenant in std::mem::take(&mut behind) {
                match self.catch_up(&tenant).await {
                    Ok(true) => {}
                    Ok(false) => drop(behind.insert(tenant)),
                    Err(problem) => {
                        terminal::complain(&problem);
                        behind.insert(tenant);
                    }
                }
            }
            if stopped {
                return;
            }
        }
    }

    /// Whether all changes of a tenant are followed that there can be at the moment.
    async fn catch_up(&mut self, name: &str) -> Result<bool, String> {
        let Some(tenant) = Tenant::named(name) else { return Ok(true) };
        let mut place = self.places.remove(name).unwrap_or_else(|| self.first_place(name));
        let done = self.follow(&tenant, &mut place).await;
        self.places.insert(name.to_owned(), place);
        done
    }

    fn first_place(&self, tenant: &str) -> Place {
        let last = self.herald.last(tenant).and_then(ResourceId::parse);
        if self.herald.has_file() {
            // Of the last change, some events may be missing.
            let after = last.as_ref().and_then(created_at_ms).and_then(first_change_id);
            return Place { after, told_from: 0 };
        }
        Place { after: first_change_id(self.begun.saturating_sub(DAY)), told_from: self.begun }
    }

    async fn follow(&mut self, tenant: &Tenant, place: &mut Place) -> Result<bool, String> {
        loop {
            let (until, waits) = self.feed.settled_until();
            let page = self.directory.changes(tenant, place.after.as_ref(), PAGE).await;
            let page = page.map_err(|error| format!("the changes cannot be followed: {error}"))?;
            let is_last = page.len() < PAGE;
            for change in page {
                let made = created_at_ms(&change.id).unwrap_or(0);
                if made >= until {
                    return Ok(false);
                }
                let events =
                    rights::of("Settle", service::complete_and_build_events(self.directory, &change, &self.telling))
                        .await;
                let Some(events) = events.map_err(|error| format!("a change cannot be followed: {error}"))? else {
                    return Ok(false);
                };
                if made >= place.told_from {
                    self.herald.tell(&events)?;
                }
                place.after = Some(change.id);
            }
            if is_last {
                return Ok(!waits);
            }
        }
    }
}
