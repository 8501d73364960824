//! One JSON line for each request, and what stands in it: tenant, token id, operation, resource id, attribute names,
//! status, duration, leniencies, and how much of DynamoDB it used. Never a credential, a value or a filter.

use std::panic::PanicHookInfo;
use std::time::Duration;

use protocol::{Caller, Error};
use schema::{Dialect, ResourceId};
use tracing::field::{Empty, Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::{Response, metrics};

/// The environment variable in which Lambda puts the level.
pub const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
/// The target of spans that are metered.
const REQUEST: &str = "request";
/// The target of the events that the store makes for each call of DynamoDB, with `call` and `units`.
const DYNAMODB: &str = "dynamodb";

/// What a request took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// HTTP requests to DynamoDB, repeated ones too.
    pub calls: u64,
    /// Capacity units of DynamoDB, read and write together.
    pub units: f64,
    /// The names of the leniencies that were needed.
    pub leniencies: Vec<String>,
}

/// What was used inside a span that [`metered`] made, or that a function runs in.
pub fn usage(span: &Span) -> Usage {
    let find = |(id, dispatch): (&Id, &tracing::Dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.extensions().get::<Usage>().cloned()
    };
    span.with_subscriber(find).flatten().unwrap_or_default()
}

/// A span in which DynamoDB calls are counted, those of spans within it too.
pub fn metered() -> Span {
    tracing::info_span!(target: REQUEST, "request")
}

/// Counts the calls of DynamoDB, and gathers leniencies, in every metered span around them.
#[derive(Debug)]
pub struct Meter(());

/// The layer that makes [`usage`] work.
pub fn meter<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    let targets = [(REQUEST, Level::INFO), (DYNAMODB, Level::DEBUG)];
    Meter(()).with_filter(Targets::new().with_targets(targets))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Meter {
    fn on_new_span(&self, _attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Usage::default());
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut leniencies = Names("leniencies", Vec::new());
        values.record(&mut leniencies);
        for span in context.span_scope(id).into_iter().flatten() {
            if let Some(usage) = span.extensions_mut().get_mut::<Usage>() {
                usage.leniencies.extend_from_slice(&leniencies.1);
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != DYNAMODB {
            return;
        }
        let mut units = Units(0.0);
        event.record(&mut units);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(usage) = span.extensions_mut().get_mut::<Usage>() {
                usage.calls += 1;
                usage.units += units.0;
            }
        }
    }
}

struct Units(f64);

impl Visit for Units {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "units" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

/// The names in one field, with spaces between.
struct Names(&'static str, Vec<String>);

impl Visit for Names {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.0 {
            self.1 = value.split(' ').map(str::to_owned).collect();
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

/// Starts logging as a Lambda does: JSON on standard output, at Lambda's own level or `INFO`, panics included.
pub(crate) fn start() {
    metrics::start();
    let lines = lines(std::env::var(LEVEL).ok().as_deref(), std::io::stdout);
    // It fails only if logging has been started before, which is as good.
    let started = tracing::subscriber::set_global_default(Registry::default().with(meter()).with(lines));
    drop(started);
    std::panic::set_hook(Box::new(panicked));
}

/// The layer that writes the lines of a Lambda, at a level as Lambda names it.
pub fn lines<S, W>(level: Option<&str>, writer: W) -> impl Layer<S> + use<S, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    lines.with_writer(writer).with_filter(filter(threshold(level)))
}

/// Below `INFO` only our own rooms speak: the runtime and the SDK would print events and requests with all that is in them.
fn filter(level: LevelFilter) -> Targets {
    let ours = ["edge", "service", "store", REQUEST, DYNAMODB].map(|target| (target, level));
    // The runtime would log a second time what `run_event` has logged.
    let twice = ("lambda_runtime::layers::panic", LevelFilter::OFF);
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_targets(ours).with_targets([twice])
}

fn threshold(level: Option<&str>) -> LevelFilter {
    match level.map(str::to_ascii_uppercase).as_deref() {
        Some("FATAL") => LevelFilter::ERROR,
        Some(level) => level.parse().unwrap_or(LevelFilter::INFO),
        None => LevelFilter::INFO,
    }
}

/// Logs a panic where it happens, within the request's span. What it says may hold a value: where a text is cut within a
/// character, the text.
fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(place, "panic");
}

/// The span of one invocation.
pub(crate) fn span(operation: &str, request_id: Option<&str>) -> Span {
    let (tenant, token, leniencies) = (Empty, Empty, Empty);
    tracing::info_span!(target: REQUEST, "request", operation, request_id, tenant, token, leniencies)
}

/// Puts the tenant and the token's id on the line of the request, or invocation, that is under way.
pub fn record_caller(caller: &Caller) {
    let span = Span::current();
    span.record("tenant", caller.tenant.as_str());
    span.record("token", caller.token.as_str());
}

/// Puts the names of the leniencies that were needed on that line, if there are any.
pub fn record_leniencies(dialect: &Dialect) {
    let names: Vec<&str> = dialect.used().map(|leniency| leniency.info().name).collect();
    if !names.is_empty() {
        Span::current().record("leniencies", names.join(" ").as_str());
    }
}

/// The line of a request, and its metrics.
pub(crate) fn answered(operation: &str, response: &Response, resource: Option<&ResourceId>, duration: Duration) {
    let usage = usage(&Span::current());
    let changed: Vec<&str> = response.changed.iter().map(String::as_str).collect();
    tracing::info!(
        target: REQUEST,
        status = response.status,
        scim_type = response.scim_type,
        resource = resource.map(tracing::field::display),
        attributes = (!changed.is_empty()).then(|| changed.join(" ")),
        duration_ms = milliseconds(duration),
        dynamodb_calls = usage.calls,
        dynamodb_units = usage.units,
        "answered"
    );
    metrics::answered(operation, response.status, duration, &usage);
}

/// The line of an invocation that is no request, and its metrics. The error's sentence is for whoever invoked it: it may quote
/// what was sent, such as a token in the place of its id.
pub(crate) fn done(operation: &str, error: Option<&Error>, duration: Duration) {
    let usage = usage(&Span::current());
    tracing::info!(
        target: REQUEST,
        status = error.map(Error::status),
        scim_type = error.and_then(Error::scim_type),
        duration_ms = milliseconds(duration),
        dynamodb_calls = usage.calls,
        dynamodb_units = usage.units,
        "done"
    );
    metrics::done(operation, duration, &usage);
}

/// To a tenth.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// The crate of a function, `users-create`, which is the name of its package.
pub(crate) fn operation<F>() -> String {
    let path = std::any::type_name::<F>();
    path.split("::").next().unwrap_or(path).replace('_', "-")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, LazyLock, Mutex};
    use std::{io, panic};

    use schema::Leniency;
    use serde_json::Value;
    use tracing::instrument::WithSubscriber;

    use super::*;

    /// While there is one dispatcher only, tracing decides by the thread that first comes to a line whether anybody wants it.
    static ANOTHER: LazyLock<tracing::Dispatch> = LazyLock::new(|| tracing::Dispatch::new(Registry::default()));

    /// What was logged.
    #[derive(Clone)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Default for Lines {
        fn default() -> Self {
            LazyLock::force(&ANOTHER);
            Self(Arc::default())
        }
    }

    impl Lines {
        /// As it is, and line by line.
        pub(crate) fn read(&self) -> (String, Vec<Value>) {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (text, lines)
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Lines;

        fn make_writer(&'a self) -> Lines {
            self.clone()
        }
    }

    fn call(units: f64) {
        tracing::debug!(target: DYNAMODB, call = "GetItem", units);
    }

    #[tokio::test]
    async fn calls_are_counted_in_every_metered_span_around_them() {
        let subscriber = Registry::default().with(meter());
        async {
            call(1.0);
            let outer = metered();
            outer.in_scope(|| call(0.5));
            let inner = outer.in_scope(|| span("x", None));
            let other = inner.in_scope(|| tracing::info_span!("other"));
            inner.in_scope(|| other.in_scope(|| call(2.0)));
            inner.in_scope(|| tracing::debug!(target: "elsewhere", units = 9.0));
            assert_eq!(usage(&inner), Usage { calls: 1, units: 2.0, ..Usage::default() });
            assert_eq!(usage(&outer), Usage { calls: 2, units: 2.5, ..Usage::default() });
            assert_eq!(usage(&other), Usage::default());
        }
        .with_subscriber(subscriber)
        .await;
        assert_eq!(usage(&metered()), Usage::default());
    }

    #[test]
    fn leniencies_are_gathered_in_every_metered_span_around_them() {
        tracing::subscriber::with_default(Registry::default().with(meter()), || {
            let outer = metered();
            let inner = outer.in_scope(|| span("x", None));
            let dialect = Dialect::lenient();
            inner.in_scope(|| record_leniencies(&dialect));
            assert_eq!(usage(&outer).leniencies, [""; 0]);
            dialect.tolerate(Leniency::EmptyStrings, "title").unwrap();
            dialect.tolerate(Leniency::OperationCase, "op").unwrap();
            inner.in_scope(|| record_leniencies(&dialect));
            assert_eq!(usage(&outer).leniencies, ["emptyStrings", "operationCase"]);
            assert_eq!(usage(&inner), usage(&outer));
        });
    }

    #[test]
    fn nobody_else_says_more_than_info() {
        let filter = filter(LevelFilter::TRACE);
        for (target, level, expect) in [
            ("store::commit", Level::TRACE, true),
            ("request", Level::INFO, true),
            ("aws_smithy_runtime::client", Level::INFO, true),
            ("aws_smithy_runtime::client", Level::DEBUG, false),
            ("lambda_runtime", Level::TRACE, false),
            ("lambda_runtime::layers::panic", Level::ERROR, false),
        ] {
            assert_eq!(filter.would_enable(target, &level), expect, "{target} {level}");
        }
    }

    #[test]
    fn the_level_is_lambdas() {
        for (level, expect) in [
            (None, LevelFilter::INFO),
            (Some("DEBUG"), LevelFilter::DEBUG),
            (Some("warn"), LevelFilter::WARN),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("nonsense"), LevelFilter::INFO),
        ] {
            assert_eq!(threshold(level), expect, "{level:?}");
        }
    }

    #[test]
    fn a_panic_is_known_by_its_place_and_not_by_what_it_says() {
        let lines = Lines::default();
        let before = panic::take_hook();
        panic::set_hook(Box::new(panicked));
        // The message of this one quotes the whole text.
        let cut = || panic::catch_unwind(|| "hush é".split_at(6).0.len());
        let caught = tracing::subscriber::with_default(Registry::default().with(self::lines(None, lines.clone())), cut);
        panic::set_hook(before);
        let (text, lines) = lines.read();
        assert_eq!((caught.is_err(), lines.len(), text.contains("hush")), (true, 1, false), "{text}");
        assert!(lines[0]["place"].as_str().unwrap().contains(".rs:"), "{text}");
    }
}
