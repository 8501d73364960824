//! Another release of the service, which runs at the same time as this one on the same table, as in a deployment or a
//! rollback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A process of the program `local` of another release. It ends when it is dropped.
#[derive(Debug)]
pub struct Release {
    process: Child,
    /// `127.0.0.1` and its port.
    address: String,
    token: String,
}

impl Release {
    /// Starts the program on a table at this endpoint, for a tenant. It publishes no events.
    pub fn start(program: &str, endpoint: &str, table: &str, tenant: &str) -> Self {
        let arguments = ["--port", "0", "--no-events", "--dynamodb-endpoint", endpoint, "--table", table];
        let mut process = Command::new(program)
            .args(arguments)
            .args(["--tenant", tenant])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut address = None;
        let mut token = None;
        for line in lines.by_ref() {
            address = address.or_else(|| Some(after(&line, "http://", "/scim/v2")?.to_owned()));
            token = token.or_else(|| line.split_whitespace().find(|word| word.starts_with("scim_")).map(str::to_owned));
            if address.is_some() && token.is_some() {
                break;
            }
        }
        // The process would block if no thread read its output.
        std::thread::spawn(move || lines.for_each(drop));
        let (address, token) = address.zip(token).expect("the program prints its base URL and its token");
        Self { process, address, token }
    }

    /// Sends a request, and returns the status, the `ETag` and the body of the response; the body is `Null` if it is
    /// empty.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Option<String>, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let Self { address, token, .. } = self;
        let head = format!(
            "{method} /scim/v2{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        let tag = headers.find(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, tag)| tag.to_owned());
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        (status, tag, body)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The text between two others.
fn after<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}
