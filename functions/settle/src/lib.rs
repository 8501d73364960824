//! Follows the table's stream: completes what each change has left to do, then publishes its events to the bus, one change
//! after the other.
//!
//! Of a batch that cannot be followed to its end, the first change that failed is reported, so that Lambda comes again with
//! that one and those after it: nothing is told out of order, and what is told twice has the same `jti`.

mod batch;
mod bus;

use std::time::{Duration, Instant};

use protocol::Error;
use service::{EventOptions, complete_and_build_events};
use store::{Directory, Prewarm, change_of_image};

pub use batch::{Batch, Outcome};
pub use bus::Bus;

use batch::Record;

/// What the function works with.
#[derive(Debug)]
pub struct State {
    pub directory: Directory,
    pub bus: Bus,
    pub telling: EventOptions,
}

impl State {
    /// From what Lambda and the template set: besides the table, `EVENT_BUS`, `BASE_URL`, and `EVENT_RESOURCES`, which is `yes` if
    /// resources are to go along.
    ///
    /// # Errors
    /// With a sentence, if something is not set.
    pub async fn from_environment() -> Result<Self, String> {
        let directory = Directory::from_environment(Prewarm::Directory { connections: 1 })
            .await
            .map_err(|error| error.to_string())?;
        let bus = Bus::from_environment()?;
        let base_url = variable("BASE_URL")?;
        let with_resources = variable("EVENT_RESOURCES").is_ok_and(|wanted| wanted == "yes");
        Ok(Self { directory, bus, telling: EventOptions { base_url, with_resources } })
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Result<String, String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("the environment variable {name} is not set"))
}

/// No change is begun after this: there has to be time for it, and Lambda would send all of the batch again.
const TIME: Duration = Duration::from_secs(60);

pub async fn handle(state: &State, batch: Batch) -> Result<Outcome, Error> {
    let (until, mut published) = (Instant::now() + TIME, 0);
    for record in batch.records {
        let place = record.change.sequence_number.clone();
        if Instant::now() > until {
            tracing::info!(place, published, "the next batch begins here");
            return Ok(Outcome::again_from(place));
        }
        match publish(state, record).await {
            Ok(events) => published += events,
            Err(reason) => {
                tracing::warn!(place, %reason, published, "a change is to be followed again");
                return Ok(Outcome::again_from(place));
            }
        }
    }
    tracing::info!(published, "events");
    Ok(Outcome::default())
}

/// How many events were published of a record's change.
async fn publish(state: &State, record: Record) -> Result<usize, String> {
    let change = change_of_image(record.change.new_image).map_err(|error| error.to_string())?;
    let events = complete_and_build_events(&state.directory, &change, &state.telling)
        .await
        .map_err(|error| error.to_string())?;
    let events = events.ok_or("it is not complete yet")?;
    state.bus.publish(&events).await?;
    Ok(events.len())
}
