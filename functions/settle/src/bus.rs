//! The EventBridge bus: entries within its limits, and what it did not take sent again.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use protocol::event::Event;
use store::client;

use crate::variable;

/// Whose events they are, for the patterns of rules.
const SOURCE: &str = "scim";
/// EventBridge takes no more entries in a call, and no more bytes, times included.
const ENTRIES: usize = 10;
const BYTES: usize = 256 * 1024;
const TIME_BYTES: usize = 14;
/// So often what EventBridge did not take is sent again, each time after a longer pause.
const REPEATS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Where events are published.
#[derive(Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// From what Lambda sets in the environment, and from `EVENT_BUS`, which the template sets.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let settings = client::from_environment("EVENTBRIDGE").map_err(|error| error.to_string())?;
        Ok(Self { client: Client::new(&settings), name: variable("EVENT_BUS")? })
    }

    /// A bus at a URL where no key is checked.
    pub fn at(endpoint: &str, name: &str) -> Self {
        let settings = client::unsigned("local", Some(endpoint.to_owned()));
        Self { client: Client::new(&settings), name: name.to_owned() }
    }

    /// Publishes events, all of them or an unknown part.
    ///
    /// # Errors
    /// With a sentence for the log. All may be published again.
    pub async fn publish(&self, events: &[Event]) -> Result<(), String> {
        let entries = events.iter().map(|event| self.entry(event)).collect::<Result<Vec<_>, _>>()?;
        for entries in calls(entries) {
            self.put(entries).await?;
        }
        Ok(())
    }

    fn entry(&self, event: &Event) -> Result<PutEventsRequestEntry, String> {
        let detail = serde_json::to_string(&event.claims).map_err(|error| error.to_string())?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.name.as_str())
            .time(DateTime::from_millis(event.at.as_millisecond()))
            .detail(detail);
        Ok(entry.build())
    }

    /// One call, and repeats for those of its entries that were not taken.
    async fn put(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), String> {
        for repeat in 0.. {
            let answer = self.client.put_events().set_entries(Some(entries.clone())).send().await;
            let answer = answer.map_err(|error| format!("PutEvents: {}", error.code().unwrap_or("no answer")))?;
            let results = answer.entries.unwrap_or_default();
            if results.len() != entries.len() {
                return Err("PutEvents: an answer with another number of entries".to_owned());
            }
            let failed = entries.into_iter().zip(&results).filter(|(_, result)| result.error_code.is_some());
            entries = failed.map(|(entry, _)| entry).collect();
            if entries.is_empty() {
                return Ok(());
            }
            if repeat == REPEATS {
                break;
            }
            tokio::time::sleep((FIRST_PAUSE * (1 << repeat)).mul_f64(0.5 + fastrand::f64())).await;
        }
        Err(format!("PutEvents: {} events were not taken", entries.len()))
    }
}

/// The same entries in as few calls as the limits allow, in the same order.
fn calls(entries: Vec<PutEventsRequestEntry>) -> Vec<Vec<PutEventsRequestEntry>> {
    let (mut calls, mut bytes): (Vec<Vec<PutEventsRequestEntry>>, usize) = (Vec::new(), 0);
    for entry in entries {
        let size = size(&entry);
        match calls.last_mut().filter(|call| call.len() < ENTRIES && bytes + size <= BYTES) {
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

/// As EventBridge counts it.
fn size(entry: &PutEventsRequestEntry) -> usize {
    let texts = [&entry.source, &entry.detail_type, &entry.detail];
    TIME_BYTES + texts.into_iter().flatten().map(String::len).sum::<usize>()
}
