//! The usage of a request or of an invocation: calls and capacity units of DynamoDB, and leniencies.

use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Level, Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The target of metered spans.
pub(crate) const REQUEST: &str = "request";
/// The target of the events that the store emits for each call to DynamoDB, with the fields `call` and `units`.
pub(crate) const DYNAMODB: &str = "dynamodb";

/// The usage within a metered span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpanUsage {
    /// HTTP requests to DynamoDB, retries included.
    pub calls: u64,
    /// Capacity units of DynamoDB, read and write units together.
    pub units: f64,
    /// The names of the leniencies that were needed.
    pub leniencies: Vec<&'static str>,
}

impl SpanUsage {
    /// The usage so far within a span that [`metered_span`] made, or in which a function runs. Other spans have
    /// none.
    pub fn of(span: &Span) -> SpanUsage {
        let find = |(id, dispatch): (&Id, &Dispatch)| {
            let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
            span.extensions().get::<SpanUsage>().cloned()
        };
        span.with_subscriber(find).flatten().unwrap_or_default()
    }
}

/// A span that counts the calls to DynamoDB made inside it, also inside spans within it.
pub fn metered_span() -> Span {
    tracing::info_span!(target: REQUEST, "request")
}

/// Adds leniencies to the usage of a span and of every metered span around it.
pub(crate) fn add_leniencies(span: &Span, names: &[&'static str]) {
    span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id));
        for span in span.iter().flat_map(|span| span.scope()) {
            if let Some(usage) = span.extensions_mut().get_mut::<SpanUsage>() {
                usage.leniencies.extend_from_slice(names);
            }
        }
    });
}

/// The layer that counts what [`SpanUsage::of`] returns.
#[derive(Debug)]
pub struct UsageLayer(());

impl UsageLayer {
    /// The layer, for the spans and events that it needs.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
        UsageLayer(()).with_filter(Targets::new().with_targets([(REQUEST, Level::INFO), (DYNAMODB, Level::DEBUG)]))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for UsageLayer {
    fn on_new_span(&self, _attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanUsage::default());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != DYNAMODB {
            return;
        }
        let mut units = UnitsVisitor(0.0);
        event.record(&mut units);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(usage) = span.extensions_mut().get_mut::<SpanUsage>() {
                usage.calls += 1;
                usage.units += units.0;
            }
        }
    }
}

/// Reads the field `units` of an event.
struct UnitsVisitor(f64);

impl Visit for UnitsVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "units" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

/// Milliseconds, rounded to a tenth.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, Leniency};
    use tracing::instrument::WithSubscriber;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::log::{record_leniencies, request_span};

    fn call(units: f64) {
        tracing::debug!(target: DYNAMODB, call = "GetItem", units);
    }

    #[tokio::test]
    async fn calls_are_counted_in_every_metered_span_around_them() {
        let subscriber = Registry::default().with(UsageLayer::layer());
        async {
            call(1.0);
            let outer = metered_span();
            outer.in_scope(|| call(0.5));
            let inner = outer.in_scope(|| request_span("x", None));
            let other = inner.in_scope(|| tracing::info_span!("other"));
            inner.in_scope(|| other.in_scope(|| call(2.0)));
            inner.in_scope(|| tracing::debug!(target: "elsewhere", units = 9.0));
            assert_eq!(SpanUsage::of(&inner), SpanUsage { calls: 1, units: 2.0, ..SpanUsage::default() });
            assert_eq!(SpanUsage::of(&outer), SpanUsage { calls: 2, units: 2.5, ..SpanUsage::default() });
            assert_eq!(SpanUsage::of(&other), SpanUsage::default());
        }
        .with_subscriber(subscriber)
        .await;
        assert_eq!(SpanUsage::of(&metered_span()), SpanUsage::default());
    }

    #[test]
    fn leniencies_are_collected_in_every_metered_span_around_them() {
        tracing::subscriber::with_default(Registry::default().with(UsageLayer::layer()), || {
            let outer = metered_span();
            let inner = outer.in_scope(|| request_span("x", None));
            let dialect = Dialect::lenient();
            inner.in_scope(|| record_leniencies(&dialect));
            assert_eq!(SpanUsage::of(&outer).leniencies, [""; 0]);
            dialect.tolerate(Leniency::EmptyStrings, "title").unwrap();
            dialect.tolerate(Leniency::OperationCase, "op").unwrap();
            inner.in_scope(|| record_leniencies(&dialect));
            assert_eq!(SpanUsage::of(&outer).leniencies, ["emptyStrings", "operationCase"]);
            assert_eq!(SpanUsage::of(&inner), SpanUsage::of(&outer));
        });
    }
}
