//! Follows the table's stream: completes each pending change, then publishes its events to EventBridge, one change
//! after the other.
//!
//! If a change fails, it is reported as the first failure of the batch, so that Lambda delivers it and those after
//! it again. Events are therefore published in order, and an event that is published twice has the same `jti`.

mod batch;
mod bus;
mod error;

use std::time::{Duration, Instant};

use aws_lambda_events::streams::DynamoDbEventResponse;
use protocol::Error;
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
    for record in batch.records {
        let sequence_number = record.change.sequence_number.clone();
        if Instant::now() > deadline {
            tracing::info!(sequence_number, published, "time is up; the next batch continues with this change");
            return Ok(retry_from(sequence_number));
        }
        match publish(state, record).await {
            Ok(events) => published += events,
            Err(reason) => {
                tracing::warn!(sequence_number, %reason, published, "failed to process a change");
                return Ok(retry_from(sequence_number));
            }
        }
    }
    tracing::info!(published, "published the events of a batch");
    Ok(DynamoDbEventResponse::default())
}

/// Completes the change of a record and publishes its events. Returns how many they are.
async fn publish(state: &State, record: Record) -> Result<usize, ChangeError> {
    let change = change_of_image(record.change.new_image)?;
    let events = complete_and_build_events(&state.directory, &change, &state.event_options).await?;
    let events = events.ok_or(ChangeError::Pending)?;
    state.bus.publish(&events).await?;
    Ok(events.len())
}
