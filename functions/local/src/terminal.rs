//! What is printed: how to reach the service, and a line for each request and each event. No credential but the one at the start, no
//! value and no filter.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use edge::usage::Usage;
use protocol::event::Event;

/// Colour is for people (see no-color.org).
static COLOUR: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()));

/// Prints what an administrator pastes.
pub(crate) fn introduce(base_url: &str, token: &str, tenant: &str, place: &str) {
    say(&format!(
        "SCIM on Lambda\n\n\
         Base URL  {base_url}\n\
         Token     {token}\n\
         Tenant    {tenant}\n\
         Data      {place}\n\n\
         Try it:\n\n  \
         curl -i '{base_url}/Users?startIndex=1&count=2' -H 'Authorization: Bearer {token}'\n\n\
         Ctrl-C stops it.\n"
    ));
}

/// Prints the line of a request; the target is what may be shown of its address.
pub(crate) fn request(method: &str, target: &str, status: StatusCode, duration: Duration, usage: &Usage) {
    let colour = COLOUR.then(|| match status.as_u16() {
        ..400 => "\x1b[32m",
        400..500 => "\x1b[33m",
        _ => "\x1b[31m",
    });
    say(&line(method, target, status, duration, usage, colour));
}

fn line(
    method: &str,
    target: &str,
    status: StatusCode,
    duration: Duration,
    usage: &Usage,
    colour: Option<&str>,
) -> String {
    let (on, off) = colour.map_or(("", ""), |colour| (colour, "\x1b[0m"));
    let (calls, s) = (usage.calls, if usage.calls == 1 { "" } else { "s" });
    let milliseconds = duration.as_secs_f64() * 1000.0;
    let lenient = if usage.leniencies.is_empty() { "" } else { "  lenient: " };
    let names = usage.leniencies.join(" ");
    let status = status.as_u16();
    format!("{method:<6} {target}  {on}{status}{off}  {milliseconds:.1} ms  {calls} DynamoDB call{s}{lenient}{names}")
}

/// Prints the line of an event.
pub(crate) fn event(event: &Event) {
    let version = event.version.map(|version| format!(" v{version}")).unwrap_or_default();
    say(&format!("event {} {}{version}", event.name.as_str(), event.uri));
}

/// Nothing can be done where nobody listens.
pub(crate) fn say(text: &str) {
    let written = writeln!(std::io::stdout().lock(), "{text}");
    drop(written);
}

/// Prints why the program ends, or what else went wrong.
pub(crate) fn complain(problem: &str) {
    note(&format!("error: {problem}"));
}

/// Prints what is no part of the output.
pub(crate) fn note(text: &str) {
    let written = writeln!(std::io::stderr().lock(), "{text}");
    drop(written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_request_took() {
        let usage = &Usage { calls: 2, units: 1.5, ..Usage::default() };
        let line = |usage: &Usage, colour| {
            line("GET", "/x?count", StatusCode::OK, Duration::from_micros(12_340), usage, colour)
        };
        assert_eq!(line(usage, None), "GET    /x?count  200  12.3 ms  2 DynamoDB calls");
        let one = line(&Usage { calls: 1, ..Usage::default() }, Some("\x1b[32m"));
        assert!(one.contains("  \x1b[32m200\x1b[0m  ") && one.ends_with(" 1 DynamoDB call"), "{one}");
        let leniencies = vec!["emptyStrings", "operationCase"];
        let lenient = line(&Usage { leniencies, ..Usage::default() }, None);
        assert!(lenient.ends_with("  0 DynamoDB calls  lenient: emptyStrings operationCase"), "{lenient}");
    }
}
