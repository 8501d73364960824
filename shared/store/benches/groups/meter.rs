//! Counts the calls of DynamoDB and their units, and how many of them at least follow one another.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The span that the SDK makes for each HTTP request.
const ATTEMPT: &str = "try_attempt";

#[derive(Default)]
struct Seen {
    begun: HashMap<u64, Instant>,
    calls: Vec<(Instant, Instant)>,
    units: Vec<f64>,
}

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);

pub(crate) struct Usage {
    pub(crate) calls: usize,
    pub(crate) depth: usize,
    pub(crate) units: f64,
}

struct Meter;

pub(crate) fn listen() {
    let sdk = Targets::new()
        .with_target("aws_smithy_runtime", LevelFilter::DEBUG)
        .with_target("aws_sdk_dynamodb", LevelFilter::DEBUG)
        .with_target("dynamodb", LevelFilter::DEBUG);
    tracing_subscriber::registry().with(Meter.with_filter(sdk)).init();
}

pub(crate) fn reset() {
    *SEEN.lock().unwrap() = Some(Seen::default());
}

/// The last call was the benchmark's own.
pub(crate) fn forget_last() {
    let mut seen = SEEN.lock().unwrap();
    let seen = seen.as_mut().unwrap();
    seen.calls.pop();
    seen.units.pop();
}

pub(crate) fn usage() -> Usage {
    let mut seen = SEEN.lock().unwrap();
    let seen = seen.as_mut().unwrap();
    seen.calls.sort_by_key(|(_, ended)| *ended);
    let (mut depth, mut last) = (0, None);
    for (begun, ended) in &seen.calls {
        if last.is_none_or(|last| *begun >= last) {
            depth += 1;
            last = Some(*ended);
        }
    }
    assert_eq!(
        seen.calls.len(),
        seen.units.len(),
        "each call is seen twice, by the SDK's span and by the store's event"
    );
    Usage { calls: seen.calls.len(), depth, units: seen.units.iter().sum() }
}

impl<S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>> Layer<S> for Meter {
    fn on_new_span(&self, attributes: &tracing::span::Attributes<'_>, id: &tracing::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == ATTEMPT
            && let Some(seen) = SEEN.lock().unwrap().as_mut()
        {
            seen.begun.insert(id.into_u64(), Instant::now());
        }
    }

    fn on_close(&self, id: tracing::Id, _: Context<'_, S>) {
        if let Some(seen) = SEEN.lock().unwrap().as_mut()
            && let Some(begun) = seen.begun.remove(&id.into_u64())
        {
            seen.calls.push((begun, Instant::now()));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "dynamodb"
            && let Some(seen) = SEEN.lock().unwrap().as_mut()
        {
            let mut units = Units(0.0);
            event.record(&mut units);
            seen.units.push(units.0);
        }
    }
}

struct Units(f64);

impl tracing::field::Visit for Units {
    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        if field.name() == "units" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn fmt::Debug) {}
}
