//! Counts DynamoDB calls and their capacity units, and the depth of the calls: how many of them follow one another.

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

/// A meter of the work that runs under its subscriber.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Observed>>);

/// The calls that the subscriber has recorded since the work began.
#[derive(Debug, Default)]
struct Observed {
    /// Calls in flight, by the id of the SDK's span.
    begun: HashMap<u64, Instant>,
    calls: Vec<(Instant, Instant)>,
    units: Vec<Units>,
}

/// The cost of the work that was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// How many calls follow one another at least. Concurrent calls count once.
    pub depth: usize,
    pub calls: usize,
    /// Read capacity units.
    pub read: f64,
    /// Write capacity units.
    pub write: f64,
}

impl Meter {
    /// The subscriber to run the work with.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        // tracing caches whether a callsite is enabled. With a single subscriber in the process, it queries only
        // the thread that reaches the callsite first, which may belong to another test and have no subscriber. With
        // a second subscriber, it queries each thread.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Registry::default()));
        let sdk = Targets::new()
            .with_target("aws_smithy_runtime", LevelFilter::DEBUG)
            .with_target("dynamodb", LevelFilter::DEBUG);
        Registry::default().with(Listener(self.0.clone()).with_filter(sdk))
    }

    /// Starts to count from zero.
    pub fn begin(&self) {
        *self.0.lock().unwrap() = Observed::default();
    }

    /// The cost since [`Meter::begin`].
    pub fn take(&self) -> Usage {
        self.take_but_last(0)
    }

    /// Like [`Meter::take`], without the last `count` calls, which are not part of the work.
    pub fn take_but_last(&self, count: usize) -> Usage {
        let mut observed = std::mem::take(&mut *self.0.lock().unwrap());
        observed.calls.sort_by_key(|(_, ended)| *ended);
        assert_eq!(
            observed.calls.len(),
            observed.units.len(),
            "each call has a span of the SDK and an event of the store"
        );
        observed.calls.truncate(observed.calls.len() - count);
        observed.units.truncate(observed.calls.len());
        let (mut depth, mut last) = (0, None);
        for (begun, ended) in &observed.calls {
            if last.is_none_or(|last| *begun >= last) {
                depth += 1;
                last = Some(*ended);
            }
        }
        let sum =
            |writes| observed.units.iter().filter(|it| it.are_written == writes).fold(0.0, |sum, it| sum + it.units);
        Usage { depth, calls: observed.calls.len(), read: sum(false), write: sum(true) }
    }
}

struct Listener(Arc<Mutex<Observed>>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == ATTEMPT {
            self.0.lock().unwrap().begun.insert(id.into_u64(), Instant::now());
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut observed = self.0.lock().unwrap();
        if let Some(begun) = observed.begun.remove(&id.into_u64()) {
            observed.calls.push((begun, Instant::now()));
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

/// The capacity units of one call.
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
