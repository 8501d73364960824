//! Publishes events to an EventBridge bus, within the limits of its API, and retries the entries that it rejects.

use std::collections::BTreeSet;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures_util::future::join_all;
use protocol::event::Event;
use store::{Backoff, client};

use crate::error::{PublishError, StartError};
use crate::lanes::{Outgoing, calls, lanes};
use crate::variable;

/// The source of all events, for the patterns of rules.
const SOURCE: &str = "scim";
/// How many times rejected entries are sent again.
const MAX_RETRIES: u32 = 5;
/// The bounds of the pauses before the first and before the last retry, in milliseconds.
const FIRST_PAUSE_MS: u64 = 100;
const MAX_PAUSE_MS: u64 = 1600;

/// The bus to which events are published.
#[derive(Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// The bus in the variable `EVENT_BUS`, with the credentials that Lambda sets.
    pub(crate) fn from_environment() -> Result<Self, StartError> {
        let settings = client::from_environment("EVENTBRIDGE")?;
        Ok(Self { client: Client::new(&settings), name: variable("EVENT_BUS")? })
    }

    /// A bus at an endpoint that does not check signatures.
    pub fn at(endpoint: &str, name: &str) -> Self {
        let settings = client::unsigned("local", Some(endpoint.to_owned()));
        Self { client: Client::new(&settings), name: name.to_owned() }
    }

    /// Publishes the events of changes, which are in the order of the changes. Events about one resource are published in
    /// that order.
    ///
    /// # Errors
    /// The place of the first change of which an event may not be published. All later ones may be published as well,
    /// and all may be published again.
    pub(crate) async fn publish(&self, changes: &[Vec<Event>]) -> Result<(), (usize, PublishError)> {
        let mut entries = Vec::new();
        for (change, events) in changes.iter().enumerate() {
            for event in events {
                // Nothing has been published yet.
                let entry = self.entry(event).map_err(|error| (0, error))?;
                entries.push(Outgoing { change, uri: event.uri.clone(), entry });
            }
        }
        let lanes = join_all(lanes(entries).into_iter().map(|lane| self.publish_lane(lane))).await;
        let failures = lanes.into_iter().filter_map(Result::err);
        failures.min_by_key(|(change, _)| *change).map_or(Ok(()), Err)
    }

    /// Makes the calls of a lane one after the other.
    async fn publish_lane(&self, lane: Vec<Outgoing>) -> Result<(), (usize, PublishError)> {
        for call in calls(lane) {
            self.put(call).await?;
        }
        Ok(())
    }

    fn entry(&self, event: &Event) -> Result<PutEventsRequestEntry, PublishError> {
        let detail = serde_json::to_string(&event.claims)?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.event_type.as_str())
            .time(DateTime::from_millis(event.at.as_millisecond()))
            .detail(detail);
        Ok(entry.build())
    }

    /// Makes one call, and further calls for the entries that were rejected and those behind them about the same resource.
    async fn put(&self, mut call: Vec<Outgoing>) -> Result<(), (usize, PublishError)> {
        let mut backoff = Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS);
        for retry in 0.. {
            let first = call.iter().map(|entry| entry.change).min().unwrap_or(0);
            let entries = call.iter().map(|entry| entry.entry.clone()).collect();
            let output = self.client.put_events().set_entries(Some(entries)).send().await;
            let output = output.map_err(|error| (first, PublishError::Call(error.code().map(str::to_owned))))?;
            let results = output.entries.unwrap_or_default();
            if results.len() != call.len() {
                return Err((first, PublishError::Mismatch));
            }
            let mut rejected = BTreeSet::new();
            let mut results = results.into_iter();
            call.retain(|entry| {
                let is_rejected = results.next().is_some_and(|result| result.error_code.is_some());
                if is_rejected {
                    rejected.insert(entry.uri.clone());
                }
                rejected.contains(&entry.uri)
            });
            if call.is_empty() {
                return Ok(());
            }
            if retry == MAX_RETRIES {
                break;
            }
            backoff.wait().await;
        }
        let first = call.iter().map(|entry| entry.change).min().unwrap_or(0);
        Err((first, PublishError::Rejected(call.len())))
    }
}
