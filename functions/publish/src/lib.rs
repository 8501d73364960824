//! Follows the table's stream: publishes the events of each change to EventBridge, several changes at a time, and those
//! of one resource in their order. It does nothing else, because whatever takes time would delay all tenants.
//!
//! If DynamoDB or EventBridge does not respond, the first change that failed is reported, so that Lambda delivers it
//! and those after it again. An event that is published twice has the same `jti`. A change that can never be published
//! goes to the queue of dead letters immediately, and delays no other change.

mod batch;
mod bus;
mod dead_letters;
mod error;
mod lanes;

use std::pin::pin;
use std::time::{Duration, Instant};

use aws_lambda_events::streams::DynamoDbEventResponse;
use futures_util::stream::{self, StreamExt};
use protocol::Error;
use protocol::event::Event;
use serde_json::{Map, Value};
use service::{EventOptions, build_events};
use store::{Directory, Prewarm, change_of_image, is_of_first_release, now_ms, record_created_at_ms};

pub use batch::StreamBatch;
pub use bus::{Bus, RefusedEvent};
pub use dead_letters::DeadLetters;
pub use error::{PublishError, StartError};

use batch::{StreamRecord, retry_from};
use dead_letters::DeadLetter;
use error::ChangeError;

/// No change is started later than this after the start of a batch: it needs time to finish, and Lambda would
/// deliver the whole batch again after its timeout.
const BATCH_BUDGET: Duration = Duration::from_secs(60);
/// The time within which a deployment replaces all functions, in milliseconds.
const DEPLOYMENT_MS: u64 = 5 * 60 * 1000;
/// The number of changes whose events are built at the same time.
const MAX_CONCURRENT_BUILDS: usize = 8;
/// The number of changes whose events are published together.
const CHANGES_PER_BATCH: usize = 1000;

/// The clients and settings of the function.
#[derive(Debug)]
pub struct Publisher {
    pub directory: Directory,
    pub bus: Bus,
    pub dead_letters: DeadLetters,
    pub event_options: EventOptions,
}

impl Publisher {
    /// Reads the environment that Lambda and the template set: the table, `EVENT_BUS`,
    /// `DEAD_LETTERS`, `BASE_URL`, and `EVENT_RESOURCES`, which is `yes` if events contain resources.
    ///
    /// # Errors
    /// If a variable is not set.
    pub async fn from_environment() -> Result<Self, StartError> {
        let directory = Directory::from_environment(Prewarm::Directory { connections: 1 }).await?;
        let bus = Bus::from_environment()?;
        let dead_letters = DeadLetters::from_environment()?;
        let base_url = variable("BASE_URL")?;
        let with_resources = variable("EVENT_RESOURCES").is_ok_and(|value| value == "yes");
        Ok(Self { directory, bus, dead_letters, event_options: EventOptions { base_url, with_resources } })
    }
}

/// The value of an environment variable that is set and not empty.
fn variable(name: &'static str) -> Result<String, StartError> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or(StartError::MissingVariable(name))
}

pub async fn handle(publisher: &Publisher, batch: StreamBatch) -> Result<DynamoDbEventResponse, Error> {
    let deadline = Instant::now() + BATCH_BUDGET;
    let mut published = 0;
    let built = batch.records.into_iter().map(|record| build(publisher, record.change, deadline));
    // The events that are ready are published, and do not wait for a later change whose events take longer to build.
    let mut ready = pin!(stream::iter(built).buffered(MAX_CONCURRENT_BUILDS).ready_chunks(CHANGES_PER_BATCH));
    while let Some(outcomes) = ready.next().await {
        match publish(publisher, outcomes).await {
            Ok(events) => published += events,
            Err(RecordFailure { sequence_number, reason }) => {
                tracing::warn!(sequence_number, %reason, published, "failed to publish a change; it is tried again");
                return Ok(retry_from(sequence_number));
            }
        }
    }
    tracing::info!(published, "published the events of a batch");
    Ok(DynamoDbEventResponse::default())
}

/// The first record of a batch that has to be processed again.
struct RecordFailure {
    sequence_number: String,
    reason: ChangeError,
}

/// The events of the change of a record.
struct ChangeEvents {
    source: RecordLocation,
    events: Vec<Event>,
}

/// Where a record is in the stream and in the table.
struct RecordLocation {
    sequence_number: String,
    pk: String,
    sk: String,
}

/// Publishes the events that could be built, up to the first failure. Returns the number of events.
async fn publish(
    publisher: &Publisher,
    outcomes: Vec<Result<ChangeEvents, RecordFailure>>,
) -> Result<usize, RecordFailure> {
    let mut sources = Vec::new();
    let mut events = Vec::new();
    let mut failure = None;
    for outcome in outcomes {
        match outcome {
            Ok(built) => {
                sources.push(built.source);
                events.push(built.events);
            }
            Err(first) => {
                failure = Some(first);
                break;
            }
        }
    }
    let failed = |sources: Vec<RecordLocation>, change: usize, reason: ChangeError| {
        let sequence_number = sources.into_iter().nth(change).map(|source| source.sequence_number).unwrap_or_default();
        RecordFailure { sequence_number, reason }
    };
    let refused = match publisher.bus.publish(&events).await {
        Ok(refused) => refused,
        Err((change, reason)) => return Err(failed(sources, change, reason.into())),
    };
    for RefusedEvent { change, jti, code } in refused {
        let Some(source) = sources.get(change) else { continue };
        if let Err(reason) = give_up(publisher, source, &code, Some(&jti)).await {
            return Err(failed(sources, change, reason.into()));
        }
    }
    failure.map_or(Ok(events.iter().map(Vec::len).sum()), Err)
}

/// Whether a record that only a newer release can read is so young that the deployment of that release may be under
/// way, after which this function is replaced.
fn may_be_replaced(source: &RecordLocation) -> bool {
    record_created_at_ms(&source.sk).is_some_and(|written| written.saturating_add(DEPLOYMENT_MS) > now_ms())
}

/// Builds the events of the change of a record; none if the record cannot be read.
async fn build(publisher: &Publisher, record: StreamRecord, deadline: Instant) -> Result<ChangeEvents, RecordFailure> {
    let [pk, sk] = ["pk", "sk"].map(|name| record.key(name).to_owned());
    let source = RecordLocation { sequence_number: record.sequence_number, pk, sk };
    let reason = match try_build(publisher, record.new_image, deadline).await {
        Ok(events) => return Ok(ChangeEvents { source, events }),
        Err(ChangeError::Store(store::Error::NewerFormat)) if may_be_replaced(&source) => {
            store::Error::NewerFormat.into()
        }
        Err(ChangeError::Store(error @ (store::Error::Corrupt(_) | store::Error::NewerFormat))) => {
            match give_up(publisher, &source, &error.to_string(), None).await {
                Ok(()) => return Ok(ChangeEvents { source, events: Vec::new() }),
                Err(reason) => reason.into(),
            }
        }
        Err(reason) => reason,
    };
    Err(RecordFailure { sequence_number: source.sequence_number, reason })
}

async fn try_build(
    publisher: &Publisher,
    image: Map<String, Value>,
    deadline: Instant,
) -> Result<Vec<Event>, ChangeError> {
    if Instant::now() > deadline {
        return Err(ChangeError::OutOfTime);
    }
    let may_be_unlisted = is_of_first_release(&image);
    let change = change_of_image(image)?;
    if may_be_unlisted {
        publisher.directory.list_if_pending(&change).await?;
    }
    Ok(build_events(&publisher.directory, &change, &publisher.event_options).await?)
}

/// Sends a change, or one of its events, to the queue of dead letters.
async fn give_up(
    publisher: &Publisher,
    source: &RecordLocation,
    reason: &str,
    event: Option<&str>,
) -> Result<(), PublishError> {
    let RecordLocation { pk, sk, .. } = source;
    tracing::error!(pk, sk, event, reason, "a change cannot be published; it is in the queue of dead letters");
    publisher.dead_letters.send(&DeadLetter { reason, pk, sk, event }).await
}
