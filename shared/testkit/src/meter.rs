//! Counts the calls of DynamoDB and their units, and how many of them at least follow one another.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Id, Subscriber, span};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The span that the SDK makes for each HTTP request.
const ATTEMPT: &str = "try_attempt";

/// What it has heard since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    begun: HashMap<u64, Instant>,
    calls: Vec<(Instant, Instant)>,
    units: Vec<Units>,
}

/// What some work took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// So many calls at least follow one another.
    pub depth: usize,
    pub calls: usize,
    /// Capacity units.
    pub read: f64,
    pub write: f64,
}

impl Meter {
    /// Hears whatever work is done with it.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        // While there is one subscriber in a process, whether an event is of interest is asked of the thread that comes upon it first,
        // which may be another test's, without a subscriber.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Registry::default()));
        let sdk = Targets::new()
            .with_target("aws_smithy_runtime", LevelFilter::DEBUG)
            .with_target("dynamodb", LevelFilter::DEBUG);
        Registry::default().with(Listener(self.0.clone()).with_filter(sdk))
    }

    /// What comes from now on is the work's.
    pub fn begin(&self) {
        *self.0.lock().unwrap() = Heard::default();
    }

    /// What it has heard since the work began.
    pub fn take(&self) -> Usage {
        self.take_but_last(0)
    }

    /// As [`Meter::take`], without so many calls at the end, which were not the work's.
    pub fn take_but_last(&self, count: usize) -> Usage {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap());
        heard.calls.sort_by_key(|(_, ended)| *ended);
        assert_eq!(
            heard.calls.len(),
            heard.units.len(),
            "each call is seen twice, by the SDK's span and by the store's event"
        );
        heard.calls.truncate(heard.calls.len() - count);
        heard.units.truncate(heard.calls.len());
        let (mut depth, mut last) = (0, None);
        for (begun, ended) in &heard.calls {
            if last.is_none_or(|last| *begun >= last) {
                depth += 1;
                last = Some(*ended);
            }
        }
        let sum = |writes| heard.units.iter().filter(|it| it.are_written == writes).fold(0.0, |sum, it| sum + it.units);
        Usage { depth, calls: heard.calls.len(), read: sum(false), write: sum(true) }
    }
}

struct Listener(Arc<Mutex<Heard>>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == ATTEMPT {
            self.0.lock().unwrap().begun.insert(id.into_u64(), Instant::now());
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut heard = self.0.lock().unwrap();
        if let Some(begun) = heard.begun.remove(&id.into_u64()) {
            heard.calls.push((begun, Instant::now()));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "dynamodb" {
            let mut units = Units::default();
            event.record(&mut units);
            self.0.lock().unwrap().units.push(units);
        }
    }
}

/// Of one call.
#[derive(Debug, Default)]
struct Units {
    units: f64,
    are_written: bool,
}

impl Visit for Units {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "units" {
            self.units = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "call" {
            self.are_written =
                ["Put", "Update", "Delete", "TransactWrite", "BatchWrite"].iter().any(|it| value.starts_with(it));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
