//! One JSON line for each request: tenant, token id, operation, resource id, names of changed attributes, status,
//! duration, leniencies and DynamoDB usage. It never contains a credential, an attribute value or a filter.

use std::time::Duration;

use protocol::{Caller, Error};
use schema::{Dialect, ResourceId};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::panic::panic_hook;
use crate::usage::{DYNAMODB, REQUEST, SpanUsage, UsageLayer, add_leniencies, milliseconds};
use crate::{Response, metrics};

/// The environment variable in which Lambda passes the log level.
pub const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts logging for a Lambda function: JSON on standard output, at the level that Lambda sets or `INFO`, panics
/// included.
pub(crate) fn start() {
    metrics::start();
    let lines = lines(std::env::var(LEVEL).ok().as_deref(), std::io::stdout);
    // This fails only if a subscriber has been set before, which then serves as well.
    let _already_set =
        tracing::subscriber::set_global_default(Registry::default().with(UsageLayer::layer()).with(lines));
    std::panic::set_hook(Box::new(panic_hook));
}

/// The layer that writes a function's log lines, at a level as Lambda names it.
pub fn lines<S, W>(level: Option<&str>, writer: W) -> impl Layer<S> + use<S, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    lines.with_writer(writer).with_filter(targets(level_filter(level)))
}

/// Only this workspace's crates log below `INFO`: the runtime and the SDK would log whole events and requests.
fn targets(level: LevelFilter) -> Targets {
    let own = ["edge", "service", "store", REQUEST, DYNAMODB].map(|target| (target, level));
    // The runtime would log a panic again that the hook has logged.
    let repeated = ("lambda_runtime::layers::panic", LevelFilter::OFF);
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_targets(own).with_targets([repeated])
}

fn level_filter(level: Option<&str>) -> LevelFilter {
    match level.map(str::to_ascii_uppercase).as_deref() {
        Some("FATAL") => LevelFilter::ERROR,
        Some(level) => level.parse().unwrap_or(LevelFilter::INFO),
        None => LevelFilter::INFO,
    }
}

/// The span of one request or invocation.
pub(crate) fn request_span(operation: &str, request_id: Option<&str>) -> Span {
    tracing::info_span!(
        target: REQUEST,
        "request",
        operation,
        request_id,
        tenant = Empty,
        token = Empty,
        leniencies = Empty
    )
}

/// Adds the tenant and the token's id to the log line of the current request or invocation.
pub fn record_caller(caller: &Caller) {
    let span = Span::current();
    span.record("tenant", caller.tenant.as_str());
    span.record("token", caller.token.as_str());
}

/// Adds the names of the leniencies that were needed to the log line and the metrics of the current request or
/// invocation.
pub fn record_leniencies(dialect: &Dialect) {
    let names: Vec<&str> = dialect.used().map(|leniency| leniency.info().name).collect();
    if !names.is_empty() {
        let span = Span::current();
        span.record("leniencies", names.join(" ").as_str());
        add_leniencies(&span, &names);
    }
}

/// Writes the log line of a request, and its metrics.
pub(crate) fn log_response(operation: &str, response: &Response, resource: Option<&ResourceId>, duration: Duration) {
    let usage = SpanUsage::of(&Span::current());
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
    metrics::record_request(operation, response.status, duration, &usage);
}

/// Writes the log line of an invocation that is not a request, and its metrics. The error's text is returned to the
/// invoker and not logged, because it may quote the input, for example a token that was sent as an id.
pub(crate) fn log_invocation(operation: &str, error: Option<&Error>, duration: Duration) {
    let usage = SpanUsage::of(&Span::current());
    tracing::info!(
        target: REQUEST,
        status = error.map(Error::status),
        scim_type = error.and_then(Error::scim_type),
        duration_ms = milliseconds(duration),
        dynamodb_calls = usage.calls,
        dynamodb_units = usage.units,
        "done"
    );
    metrics::record_invocation(operation, duration, &usage);
}

/// The name of the package that a handler is in, such as `users-create`.
pub(crate) fn operation<H>() -> String {
    let path = std::any::type_name::<H>();
    path.split("::").next().unwrap_or(path).replace('_', "-")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io;
    use std::sync::{Arc, LazyLock, Mutex};

    use serde_json::Value;
    use tracing::Level;

    use super::*;

    /// While only one dispatcher exists, tracing caches for all threads whether the first thread to reach a call
    /// site wants it.
    static SECOND_DISPATCH: LazyLock<tracing::Dispatch> = LazyLock::new(|| tracing::Dispatch::new(Registry::default()));

    /// A writer that collects log lines.
    #[derive(Clone)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Default for Lines {
        fn default() -> Self {
            LazyLock::force(&SECOND_DISPATCH);
            Self(Arc::default())
        }
    }

    impl Lines {
        /// The text, and each line of it as JSON.
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

    #[test]
    fn other_crates_log_nothing_below_info() {
        let targets = targets(LevelFilter::TRACE);
        for (target, level, expect) in [
            ("store::commit", Level::TRACE, true),
            ("request", Level::INFO, true),
            ("aws_smithy_runtime::client", Level::INFO, true),
            ("aws_smithy_runtime::client", Level::DEBUG, false),
            ("lambda_runtime", Level::TRACE, false),
            ("lambda_runtime::layers::panic", Level::ERROR, false),
        ] {
            assert_eq!(targets.would_enable(target, &level), expect, "{target} {level}");
        }
    }

    #[test]
    fn log_level_follows_lambdas_variable() {
        for (level, expect) in [
            (None, LevelFilter::INFO),
            (Some("DEBUG"), LevelFilter::DEBUG),
            (Some("warn"), LevelFilter::WARN),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("nonsense"), LevelFilter::INFO),
        ] {
            assert_eq!(level_filter(level), expect, "{level:?}");
        }
    }
}
