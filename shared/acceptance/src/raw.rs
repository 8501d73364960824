//! Writes requests to a socket byte by byte, because a client library would normalise them (RFC 9110, RFC 9112).
#![expect(clippy::expect_used, clippy::panic, reason = "a check fails by panicking, and the runner catches it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::target::Target;

/// The most bytes of a response that are read.
const MAX_BYTES: u64 = 64 << 20;

/// A response as the server sent it.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status code.
    pub status: u16,
    head: String,
    /// The body, which is still compressed if the server compressed it.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The value of a header, or its first value if there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("expected a JSON body after\n{}", self.head))
    }
}

/// Sends one request to a target without TLS.
///
/// # Panics
///
/// If the base URL does not begin with `http://`, or if [`exchange`] panics.
#[must_use]
#[track_caller]
pub fn send(target: &Target, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> RawAnswer {
    let (host, root) = host_and_root(target);
    let mut head = format!("{method} /{root}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    head += &format!("Authorization: Bearer {}\r\n", target.token);
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    exchange(host, &[head.as_bytes(), body].concat(), target.timeout)
}

/// The host and port of the base URL, and its path without the first slash.
#[track_caller]
pub(crate) fn host_and_root(target: &Target) -> (&str, &str) {
    let rest = target.base_url.strip_prefix("http://").expect("the base URL has no TLS");
    rest.split_once('/').unwrap_or((rest, ""))
}

/// Sends bytes to a host, which must close the connection after its response.
///
/// # Panics
///
/// If the host does not respond with HTTP in time.
#[must_use]
#[track_caller]
pub fn exchange(host: &str, request: &[u8], timeout: Duration) -> RawAnswer {
    let answer =
        send_bytes(host, request, timeout).unwrap_or_else(|error| panic!("expected an answer from {host}: {error}"));
    let parsed = answer.windows(4).position(|four| four == b"\r\n\r\n").and_then(|end| {
        let (head, body) = answer.split_at(end + 4);
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(RawAnswer { status, head, body: body.to_vec() })
    });
    parsed.unwrap_or_else(|| panic!("expected an HTTP answer, not {:?}", String::from_utf8_lossy(&answer)))
}

fn send_bytes(host: &str, request: &[u8], timeout: Duration) -> std::io::Result<Vec<u8>> {
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer)?;
    Ok(answer)
}
