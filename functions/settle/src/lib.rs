//! Follows the table's stream: completes each pending change, then publishes its events to EventBridge, several changes
//! at a time, and those of one resource in their order.
//!
//! If a change fails, it is reported as the first failure of the batch, so that Lambda delivers it and those after
//! it again. An event that is published twice has the same `jti`.

mod batch;
mod bus;
mod error;
mod lanes;

use std::pin::pin;
use std::time::{Duration, Instant};

use aws_lambda_events::streams::DynamoDbEventResponse;
use futures_util::stream::{self, StreamExt};
use protocol::Error;
use protocol::event::Event;
use service::{EventOptions, complete_and_build_events};
use store::{Directory, Prewarm, change_of_image};

pub use batch::Batch;
pub use bus::Bus;
pub use error::{PublishError, StartError};

use batch::{Record, retry_from};
use error::ChangeError;

/// No change is started later than this after the start of a batch: it needs time to finish, and Lambda would
/// deliver the whole batch again after its timeout.
const BATCH_BUDGET: Duration = Duration::from_secs(60);
/// The number of changes whose events are built at the same time.
const MAX_CONCURRENT_BUILDS: usize = 8;
/// The number of changes whose events are published together.
const MAX_CHANGES_AT_ONCE: usize = 1000;

/// The clients and settings of the function.
#[derive(Debug)]
pub struct State {
    pub directory: Directory,
    pub bus: Bus,
    pub event_options: EventOptions,
}

impl State {
    /// Reads the environment that Lambda and the template set: the table, `EVENT_BUS`, `BASE_URL`, and
    /// `EVENT_RESOURCES`, which is `yes` if events contain resources.
    ///
    /// # Errors
    /// If a variable is not set.
    pub async fn from_environment() -> Result<Self, StartError> {
        let directory = Directory::from_environment(Prewarm::Directory { connections: 1 }).await?;
        let bus = Bus::from_environment()?;
        let base_url = variable("BASE_URL")?;
        let with_resources = variable("EVENT_RESOURCES").is_ok_and(|value| value == "yes");
        Ok(Self { directory, bus, event_options: EventOptions { base_url, with_resources } })
    }
}

/// The value of an environment variable that is set and not empty.
fn variable(name: &'static str) -> Result<String, StartError> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or(StartError::MissingVariable(name))
}

pub async fn handle(state: &State, batch: Batch) -> Result<DynamoDbEventResponse, Error> {
    let deadline = Instant::now() + BATCH_BUDGET;
    let mut published = 0;
    let built = batch.records.into_iter().map(|record| build(state, record, deadline));
    // What is ready is published at once, and does not wait for a change behind it that has to be completed first.
    let mut ready = pin!(stream::iter(built).buffered(MAX_CONCURRENT_BUILDS).ready_chunks(MAX_CHANGES_AT_ONCE));
    while let Some(outcomes) = ready.next().await {
        let (mut sequence_numbers, mut events, mut failure) = (Vec::new(), Vec::new(), None);
        for Built { sequence_number, outcome } in outcomes {
            match outcome {
                Ok(of_change) => events.push(of_change),
                Err(reason) => {
                    failure = Some((sequence_number, reason));
                    break;
                }
            }
            sequence_numbers.push(sequence_number);
        }
        if let Err((change, reason)) = state.bus.publish(&events).await {
            let sequence_number = sequence_numbers.into_iter().nth(change).unwrap_or_default();
            tracing::warn!(sequence_number, %reason, published, "failed to publish a change");
            return Ok(retry_from(sequence_number));
        }
        published += events.iter().map(Vec::len).sum::<usize>();
        if let Some((sequence_number, reason)) = failure {
            tracing::warn!(sequence_number, %reason, published, "failed to process a change");
            return Ok(retry_from(sequence_number));
        }
    }
    tracing::info!(published, "published the events of a batch");
    Ok(DynamoDbEventResponse::default())
}

/// What became of the record with this sequence number: the events of its change, or why it has to be processed again.
struct Built {
    sequence_number: String,
    outcome: Result<Vec<Event>, ChangeError>,
}

async fn build(state: &State, record: Record, deadline: Instant) -> Built {
    let sequence_number = record.change.sequence_number.clone();
    Built { sequence_number, outcome: try_build(state, record, deadline).await }
}

/// Completes the change of a record and builds its events.
async fn try_build(state: &State, record: Record, deadline: Instant) -> Result<Vec<Event>, ChangeError> {
    if Instant::now() > deadline {
        return Err(ChangeError::OutOfTime);
    }
    let change = change_of_image(record.change.new_image)?;
    let events = complete_and_build_events(&state.directory, &change, &state.event_options).await?;
    events.ok_or(ChangeError::Pending)
}
