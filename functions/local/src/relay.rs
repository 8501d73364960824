//! The event outbox on this machine. It does what `functions/publish` does on AWS, by the same code: it publishes the
//! events of changes at least once. Instead of the table's stream, it reads the change records whenever a request has
//! ended.
//!
//! The checkpoints are kept in memory. After a restart, the relay continues where the event log ends; a new event
//! log begins with the first record. Without an event log, the relay publishes the changes since the start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gateway::iam::as_function;
use protocol::Tenant;
use protocol::event::{Change, Event};
use schema::ResourceId;
use service::EventOptions;
use store::{Directory, created_at_ms, first_change_id};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::event_log::EventLog;
use crate::in_flight::{InFlightRequests, now_ms};
use crate::terminal;

/// How many change records are read at a time.
const PAGE_SIZE: usize = 500;
/// The pause before tenants whose changes are not all published are tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Publishes the changes of each tenant that the server names.
pub(crate) struct OutboxRelay {
    directory: &'static Directory,
    requests: Arc<InFlightRequests>,
    options: EventOptions,
    log: EventLog,
    checkpoints: HashMap<String, Checkpoint>,
    started_ms: u64,
}

/// How far the changes of a tenant are processed.
struct Checkpoint {
    after: Option<ResourceId>,
}

/// A running relay.
pub(crate) struct RelayHandle {
    work: JoinHandle<()>,
    stop: Arc<Notify>,
}

impl RelayHandle {
    /// Lets the relay process the remaining changes, and waits for it within the time limit.
    pub(crate) async fn finish(self, limit: Duration) {
        self.stop.notify_one();
        // A relay that has not finished within the limit is abandoned.
        let _ = timeout(limit, self.work).await;
    }
}

impl OutboxRelay {
    pub(crate) fn new(
        directory: &'static Directory,
        requests: Arc<InFlightRequests>,
        options: EventOptions,
        log: EventLog,
    ) -> Self {
        Self { directory, requests, options, log, checkpoints: HashMap::new(), started_ms: now_ms() }
    }

    pub(crate) fn start(self) -> RelayHandle {
        let stop = Arc::new(Notify::new());
        RelayHandle { work: tokio::spawn(self.run(stop.clone())), stop }
    }

    async fn run(mut self, stop: Arc<Notify>) {
        let mut unfinished = BTreeSet::new();
        loop {
            let is_stopped = tokio::select! {
                () = self.requests.changed() => false,
                () = sleep(RETRY_PAUSE), if !unfinished.is_empty() => false,
                () = stop.notified() => true,
            };
            unfinished.append(&mut self.requests.take_changed_tenants());
            for tenant in std::mem::take(&mut unfinished) {
                let is_finished = self.catch_up(&tenant).await.unwrap_or_else(|error| {
                    terminal::print_error(&error);
                    false
                });
                if !is_finished {
                    unfinished.insert(tenant);
                }
            }
            if is_stopped {
                return;
            }
        }
    }

    /// Processes the changes of a tenant. Returns whether all of them are processed and no request in flight can
    /// still add one.
    async fn catch_up(&mut self, name: &str) -> Result<bool> {
        let Some(tenant) = Tenant::named(name) else { return Ok(true) };
        let mut checkpoint = self.checkpoints.remove(name).unwrap_or_else(|| self.first_checkpoint(name));
        let is_finished = self.process(&tenant, &mut checkpoint).await;
        self.checkpoints.insert(name.to_owned(), checkpoint);
        is_finished
    }

    fn first_checkpoint(&self, tenant: &str) -> Checkpoint {
        if self.log.has_file() {
            // The file may lack some events of its last change, so that one is published again.
            let last = self.log.last_change(tenant).and_then(ResourceId::parse);
            return Checkpoint { after: last.as_ref().and_then(created_at_ms).and_then(first_change_id) };
        }
        Checkpoint { after: first_change_id(self.started_ms) }
    }

    async fn process(&mut self, tenant: &Tenant, checkpoint: &mut Checkpoint) -> Result<bool> {
        loop {
            let horizon = self.requests.horizon();
            let page = self.directory.changes(tenant, checkpoint.after.as_ref(), PAGE_SIZE).await;
            let page = page.context("cannot read the change records; the relay tries again")?;
            let is_last = page.changes.len() < PAGE_SIZE;
            for change in page.changes {
                let made_ms = created_at_ms(&change.id).unwrap_or(0);
                if made_ms >= horizon.committed_before_ms {
                    return Ok(false);
                }
                let events = as_function("Publish", self.events(&change)).await;
                self.log.append(&events.context("cannot read a change; the relay tries again")?)?;
                checkpoint.after = Some(change.id);
            }
            if is_last {
                return Ok(!horizon.is_blocked);
            }
        }
    }

    async fn events(&self, change: &Change) -> Result<Vec<Event>, store::Error> {
        self.directory.list_if_pending(change).await?;
        service::build_events(self.directory, change, &self.options).await
    }
}
