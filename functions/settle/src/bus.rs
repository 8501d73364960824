//! Publishes events to an EventBridge bus, within the limits of its API, and retries the entries that it rejects.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use protocol::event::Event;
use store::{Backoff, client};

use crate::error::{PublishError, StartError};
use crate::variable;

/// The source of all events, for the patterns of rules.
const SOURCE: &str = "scim";
/// The largest number of entries in a call.
const MAX_ENTRIES: usize = 10;
/// The largest size of a call, in bytes.
const MAX_CALL_BYTES: usize = 256 * 1024;
/// The size of an entry's time, in bytes.
const TIME_BYTES: usize = 14;
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

    /// Publishes events in order.
    ///
    /// # Errors
    /// An unknown part of the events may have been published. All of them may be published again.
    pub async fn publish(&self, events: &[Event]) -> Result<(), PublishError> {
        let entries = events.iter().map(|event| self.entry(event)).collect::<Result<Vec<_>, _>>()?;
        for entries in calls(entries) {
            self.put(entries).await?;
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

    /// Makes one call, and further calls for the entries that were rejected.
    async fn put(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), PublishError> {
        let mut backoff = Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS);
        for retry in 0.. {
            let output = self.client.put_events().set_entries(Some(entries.clone())).send().await;
            let output = output.map_err(|error| PublishError::Call(error.code().map(str::to_owned)))?;
            let results = output.entries.unwrap_or_default();
            if results.len() != entries.len() {
                return Err(PublishError::Mismatch);
            }
            let rejected = entries.into_iter().zip(&results).filter(|(_, result)| result.error_code.is_some());
            entries = rejected.map(|(entry, _)| entry).collect();
            if entries.is_empty() {
                return Ok(());
            }
            if retry == MAX_RETRIES {
                break;
            }
            backoff.wait().await;
        }
        Err(PublishError::Rejected(entries.len()))
    }
}

/// Divides entries into as few calls as the limits allow, in the same order.
fn calls(entries: Vec<PutEventsRequestEntry>) -> Vec<Vec<PutEventsRequestEntry>> {
    let mut calls: Vec<Vec<PutEventsRequestEntry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let size = entry_bytes(&entry);
        match calls.last_mut().filter(|call| call.len() < MAX_ENTRIES && bytes + size <= MAX_CALL_BYTES) {
            Some(call) => {
                bytes += size;
                call.push(entry);
            }
            None => {
                bytes = size;
                calls.push(vec![entry]);
            }
        }
    }
    calls
}

/// The size of an entry as EventBridge counts it.
fn entry_bytes(entry: &PutEventsRequestEntry) -> usize {
    let texts = [&entry.source, &entry.detail_type, &entry.detail];
    TIME_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
}
