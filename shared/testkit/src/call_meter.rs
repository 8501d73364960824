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
pub struct CallMeter(Arc<Mutex<CallLog>>);

/// The calls that the subscriber has recorded since the work began.
#[derive(Debug, Default)]
struct CallLog {
    /// Calls in flight, by the id of the SDK's span.
    begun: HashMap<u64, Instant>,
    calls: Vec<(Instant, Instant)>,
    units: Vec<CallUnits>,
}

/// The cost of the work that was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CallCost {
    /// How many calls follow one another at least. Concurrent calls count once.
    pub depth: usize,
    pub calls: usize,
    /// Read capacity units.
    pub read: f64,
    /// Write capacity units.
    pub write: f64,
}

impl CallMeter {
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
        Registry::default().with(CallLayer(self.0.clone()).with_filter(sdk))
    }

    /// Starts to count from zero.
    pub fn begin(&self) {
        *self.0.lock().unwrap() = CallLog::default();
    }

    /// The cost since [`CallMeter::begin`].
    pub fn take(&self) -> CallCost {
        self.take_but_last(0)
    }

    /// Like [`CallMeter::take`], without the last `count` calls, which are not part of the work.
    pub fn take_but_last(&self, count: usize) -> CallCost {
        let mut log = std::mem::take(&mut *self.0.lock().unwrap());
        log.calls.sort_by_key(|(_, ended)| *ended);
        assert_eq!(log.calls.len(), log.units.len(), "each call has a span of the SDK and an event of the store");
        log.calls.truncate(log.calls.len() - count);
        log.units.truncate(log.calls.len());
        let mut depth = 0;
        let mut last = None;
        for (begun, ended) in &log.calls {
            if last.is_none_or(|last| *begun >= last) {
                depth += 1;
                last = Some(*ended);
            }
        }
        let sum = |writes| log.units.iter().filter(|it| it.are_written == writes).fold(0.0, |sum, it| sum + it.units);
        CallCost { depth, calls: log.calls.len(), read: sum(false), write: sum(true) }
    }
}

struct CallLayer(Arc<Mutex<CallLog>>);

impl<S: Subscriber> Layer<S> for CallLayer {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == ATTEMPT {
            self.0.lock().unwrap().begun.insert(id.into_u64(), Instant::now());
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut log = self.0.lock().unwrap();
        if let Some(begun) = log.begun.remove(&id.into_u64()) {
            log.calls.push((begun, Instant::now()));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "dynamodb" {
            let mut units = CallUnits::default();
            event.record(&mut units);
            self.0.lock().unwrap().units.push(units);
        }
    }
}

/// The capacity units of one call.
#[derive(Debug, Default)]
struct CallUnits {
    units: f64,
    are_written: bool,
}

impl Visit for CallUnits {
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
