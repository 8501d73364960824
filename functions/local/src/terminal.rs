//! The output: how to reach the service, then a line for each request and each event. It contains no credential
//! except the token at the start, no attribute value and no filter.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use edge::usage::SpanUsage;
use protocol::event::Event;

/// Colours are for terminals, and respect no-color.org.
static COLOUR: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()));

/// Prints what an administrator pastes into an identity provider, and a first request.
pub(crate) fn print_banner(base_url: &str, token: &str, tenant: &str, storage: &str) {
    print(&format!(
        "SCIM on Lambda is running.\n\n\
         Base URL  {base_url}\n\
         Token     {token}\n\
         Tenant    {tenant}\n\
         Data      {storage}\n\n\
         Paste the base URL and the token into your identity provider, or send a first request:\n\n  \
         curl -i '{base_url}/Users?startIndex=1&count=2' -H 'Authorization: Bearer {token}'\n\n\
         Each request and each event is printed below.\n\
         Ctrl-C stops it.\n"
    ));
}

/// Prints the line of a request. The target is redacted.
pub(crate) fn print_request(method: &str, target: &str, status: StatusCode, duration: Duration, usage: &SpanUsage) {
    let colour = COLOUR.then(|| match status.as_u16() {
        ..400 => "\x1b[32m",
        400..500 => "\x1b[33m",
        _ => "\x1b[31m",
    });
    print(&request_line(method, target, status, duration, usage, colour));
}

fn request_line(
    method: &str,
    target: &str,
    status: StatusCode,
    duration: Duration,
    usage: &SpanUsage,
    colour: Option<&str>,
) -> String {
    let (on, off) = colour.map_or(("", ""), |colour| (colour, "\x1b[0m"));
    let status = status.as_u16();
    let milliseconds = duration.as_secs_f64() * 1000.0;
    let calls = usage.calls;
    let s = if calls == 1 { "" } else { "s" };
    let mut line = format!("{method:<6} {target}  {on}{status}{off}  {milliseconds:.1} ms  {calls} DynamoDB call{s}");
    if !usage.leniencies.is_empty() {
        line = line + "  lenient: " + &usage.leniencies.join(" ");
    }
    line
}

/// Prints the line of an event.
pub(crate) fn print_event(event: &Event) {
    let version = event.version.map(|version| format!(" v{version}")).unwrap_or_default();
    print(&format!("event {} {}{version}", event.event_type.as_str(), event.uri));
}

/// Prints a line on standard output. An error is ignored, because there is no other place to report it.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints an error and its causes on standard error.
pub(crate) fn print_error(error: &anyhow::Error) {
    print_note(&format!("error: {error:#}"));
}

/// Prints a line on standard error.
pub(crate) fn print_note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_line_has_status_time_calls_and_leniencies() {
        let usage = &SpanUsage { calls: 2, units: 1.5, ..SpanUsage::default() };
        let line = |usage: &SpanUsage, colour| {
            request_line("GET", "/x?count", StatusCode::OK, Duration::from_micros(12_340), usage, colour)
        };
        assert_eq!(line(usage, None), "GET    /x?count  200  12.3 ms  2 DynamoDB calls");
        let one = line(&SpanUsage { calls: 1, ..SpanUsage::default() }, Some("\x1b[32m"));
        assert!(one.contains("  \x1b[32m200\x1b[0m  ") && one.ends_with(" 1 DynamoDB call"), "{one}");
        let leniencies = vec!["emptyStrings", "operationCase"];
        let lenient = line(&SpanUsage { leniencies, ..SpanUsage::default() }, None);
        assert!(lenient.ends_with("  0 DynamoDB calls  lenient: emptyStrings operationCase"), "{lenient}");
    }
}
