//! Publishes events to an EventBridge bus, within the limits of its API, and retries the entries that it rejects.

use std::collections::BTreeSet;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use futures_util::future::join_all;
use protocol::event::Event;
use store::{Backoff, client};

use crate::error::{PublishError, StartError};
use crate::lanes::{BusEntry, calls, lanes};
use crate::variable;

/// The source of all events, for the patterns of rules.
const SOURCE: &str = "scim";
/// How many times rejected entries are sent again.
const MAX_RETRIES: u32 = 5;
/// The bounds of the pauses before the first and before the last retry, in milliseconds.
const FIRST_PAUSE_MS: u64 = 100;
const MAX_PAUSE_MS: u64 = 1600;

/// The error codes of an entry that EventBridge would reject each time. An entry with any other code is sent again.
const PERMANENT: [&str; 2] = ["InvalidArgument", "MalformedDetail"];

/// An event that EventBridge will never accept.
#[derive(Debug)]
pub struct RefusedEvent {
    /// The place of its change among those that are published together.
    pub change: usize,
    pub jti: String,
    /// EventBridge's error code.
    pub code: String,
}

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

    /// Publishes the events of changes, which are in the order of the changes. Events about one resource are published
    /// in that order. Returns the events that EventBridge will never accept.
    ///
    /// # Errors
    /// The place of the first change of which an event may not be published. All later ones may be published as well,
    /// and all may be published again.
    pub async fn publish(&self, changes: &[Vec<Event>]) -> Result<Vec<RefusedEvent>, (usize, PublishError)> {
        let mut entries = Vec::new();
        for (change, events) in changes.iter().enumerate() {
            for event in events {
                // Nothing has been published yet.
                let entry = self.entry(event).map_err(|error| (0, error))?;
                entries.push(BusEntry { change, uri: event.uri.clone(), jti: event.id().to_owned(), entry });
            }
        }
        let lanes = join_all(lanes(entries).into_iter().map(|lane| self.publish_lane(lane))).await;
        let (mut refused, mut failures) = (Vec::new(), Vec::new());
        for lane in lanes {
            match lane {
                Ok(of_lane) => refused.extend(of_lane),
                Err(failure) => failures.push(failure),
            }
        }
        failures.into_iter().min_by_key(|(change, _)| *change).map_or(Ok(refused), Err)
    }

    /// Makes the calls of a lane one after the other.
    async fn publish_lane(&self, lane: Vec<BusEntry>) -> Result<Vec<RefusedEvent>, (usize, PublishError)> {
        let mut refused = Vec::new();
        for call in calls(lane) {
            refused.extend(self.put(call).await?);
        }
        Ok(refused)
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

    /// Makes one call, and further calls for the entries that were rejected and those behind them about the same
    /// resource.
    async fn put(&self, mut call: Vec<BusEntry>) -> Result<Vec<RefusedEvent>, (usize, PublishError)> {
        let mut backoff = Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS);
        let mut refused = Vec::new();
        for retry in 0.. {
            let first = call.iter().map(|entry| entry.change).min().unwrap_or(0);
            let entries = call.iter().map(|entry| entry.entry.clone()).collect();
            let output = self.client.put_events().set_entries(Some(entries)).send().await;
            let output = output.map_err(|error| (first, PublishError::Call(error.code().map(str::to_owned))))?;
            let results = output.entries.unwrap_or_default();
            if results.len() != call.len() {
                return Err((first, PublishError::Mismatch));
            }
            call = unpublished(call, results, &mut refused);
            if call.is_empty() {
                return Ok(refused);
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

/// The entries that have to be sent again: those that were rejected, and those behind them about the same resource. An
/// entry that would be rejected each time is added to `refused`.
fn unpublished(
    call: Vec<BusEntry>,
    results: Vec<PutEventsResultEntry>,
    refused: &mut Vec<RefusedEvent>,
) -> Vec<BusEntry> {
    let mut rejected = BTreeSet::new();
    let mut again = Vec::new();
    for (entry, result) in call.into_iter().zip(results) {
        match result.error_code {
            Some(code) if PERMANENT.contains(&code.as_str()) => {
                refused.push(RefusedEvent { change: entry.change, jti: entry.jti, code });
            }
            Some(_) => {
                rejected.insert(entry.uri.clone());
                again.push(entry);
            }
            None if rejected.contains(&entry.uri) => again.push(entry),
            None => {}
        }
    }
    again
}
