//! The service under test, and the measurement of a request.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Engine;

use crate::process::{ServerProcess, usage};

pub(crate) struct Service {
    engine: Engine,
    folder: TempDir,
    /// Only requests whose name contains this text are measured.
    only: String,
    pub(crate) measured: Vec<Measurement>,
}

/// The CPU time and the memory of a request.
pub(crate) struct Measurement {
    /// The method, and the path without its parameters.
    pub(crate) route: String,
    pub(crate) name: String,
    pub(crate) status: u16,
    pub(crate) cpu_seconds: f64,
    /// The peak above the memory before the request.
    pub(crate) memory_mb: f64,
}

/// A request; `target` is relative to the base URL.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self { method: "GET", target: target.into(), body: None }
    }

    pub(crate) fn send(method: &'a str, target: impl Into<String>, body: Value) -> Self {
        Self { method, target: target.into(), body: Some(body) }
    }

    /// The method, and the path with `{id}` in the place of an id and without parameters.
    fn route(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        let is_id = |segment: &str| segment.len() == 36 && segment.matches('-').count() == 4;
        let segments: Vec<&str> =
            path.split('/').map(|segment| if is_id(segment) { "{id}" } else { segment }).collect();
        format!("{} {}", self.method, segments.join("/"))
    }
}

impl Service {
    pub(crate) fn start(only: String) -> Self {
        Self { engine: Engine::start(), folder: tempfile::tempdir().unwrap(), only, measured: Vec::new() }
    }

    fn process(&self) -> ServerProcess {
        let arguments = ["--dynamodb-endpoint", self.engine.url.as_str(), "--table", "worst", "--no-events"];
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        ServerProcess::spawn(self.folder.path(), &arguments)
    }

    /// Sends a request that is not measured, and returns the body of its response.
    pub(crate) fn prepare(&self, request: &Request<'_>) -> Value {
        self.prepare_all([request]).pop().unwrap()
    }

    pub(crate) fn prepare_all<'r>(&self, requests: impl IntoIterator<Item = &'r Request<'r>>) -> Vec<Value> {
        let process = self.process();
        let answers = requests.into_iter().map(|request| {
            let (status, body) = exchange(&process, request);
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            assert!(status < 300, "{}: {status} {}", request.route(), body["detail"]);
            body
        });
        answers.collect()
    }

    /// The ids of this many users.
    pub(crate) fn user_ids(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        while ids.len() < count {
            let page = self.prepare(&Request::get(format!("/Users?count=1000&attributes=id&cursor={cursor}")));
            let found = page["Resources"].as_array().unwrap();
            ids.extend(found.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        ids.truncate(count);
        ids
    }

    /// Waits until a large change of a group's members is applied to all of them.
    pub(crate) fn settle(&self, group: &str) {
        let process = self.process();
        let nobody = format!("members[value eq \"{group}\"]");
        let change = patch([json!({"op": "remove", "path": nobody})]);
        let request = Request::send("PATCH", format!("/Groups/{group}?attributes=id"), change);
        let is_applied = (0..100).any(|_| exchange(&process, &request).0 != 429);
        assert!(is_applied, "the change of {group} is not applied");
    }

    /// Measures a request, in a process that has answered two small ones.
    pub(crate) fn measure(&mut self, name: &str, request: &Request<'_>) {
        let route = request.route();
        if !format!("{route} {name}").contains(&self.only) {
            // Other requests may need the resource that it creates or deletes.
            if request.method == "DELETE" || (request.method == "POST" && request.target == "/Groups") {
                self.prepare(request);
            }
            return;
        }
        let process = self.process();
        for _ in 0..2 {
            exchange(&process, &Request::get("/Users?count=0"));
        }
        let id = process.child.id().to_string();
        let before = usage(&id).expect("Linux");
        let (status, body) = exchange(&process, request);
        let after = usage(&id).expect("the service is alive");
        let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        let memory_mb = (peak_mb(&id) - before.resident_mb).max(0.0);
        if !self.only.is_empty() {
            let detail =
                serde_json::from_slice::<Value>(&body).ok().and_then(|body| Some(body["detail"].as_str()?.to_owned()));
            println!("{route} {name}: {status}, {cpu_seconds:.2} s, {memory_mb:.0} MB {}", detail.unwrap_or_default());
        }
        self.measured.push(Measurement { route, name: name.to_owned(), status, cpu_seconds, memory_mb });
    }
}

/// The most memory that a process has had so far.
fn peak_mb(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Sends a request on a new connection. Returns the status and the body.
fn exchange(process: &ServerProcess, request: &Request<'_>) -> (u16, Vec<u8>) {
    let base = process.word("http", ":/.-");
    let token = process.word("scim_", "_");
    let (host, path) = base.trim_start_matches("http://").split_once('/').unwrap();
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{} /{path}{} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/scim+json\r\naccept-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        request.method,
        request.target,
        body.len()
    );
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses a body by its length may close the connection before the end.
    let _ = stream.write_all(body.as_bytes());
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").expect("the end of the head");
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = response.split_off(end + 4);
    if head.to_ascii_lowercase().contains("content-encoding: gzip") {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut text).unwrap();
        body = text;
    }
    (status, body)
}

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:2.0";

/// The body of a user with more attributes.
pub(crate) fn user(name: &str, more: &Value) -> Value {
    resource("User", "userName", name, more)
}

pub(crate) fn group(name: &str, more: &Value) -> Value {
    resource("Group", "displayName", name, more)
}

fn resource(kind: &str, naming: &str, name: &str, more: &Value) -> Value {
    let mut body = json!({"schemas": [format!("{CORE}:{kind}")], naming: name});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

pub(crate) fn patch(operations: impl IntoIterator<Item = Value>) -> Value {
    json!({"schemas": [format!("{MESSAGES}:PatchOp")], "Operations": operations.into_iter().collect::<Vec<_>>()})
}

pub(crate) fn bulk(operations: impl IntoIterator<Item = Value>) -> Value {
    json!({"schemas": [format!("{MESSAGES}:BulkRequest")], "Operations": operations.into_iter().collect::<Vec<_>>()})
}

/// A search with a filter and more parameters.
pub(crate) fn search(filter: &str, more: &Value) -> Value {
    let mut body = json!({"schemas": [format!("{MESSAGES}:SearchRequest")], "filter": filter});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Percent-encodes a text for a query.
pub(crate) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// As many terms as fit into a filter, of which `term` makes each.
pub(crate) fn terms(joint: &str, most: usize, term: impl Fn(usize) -> String) -> String {
    const FILTER_BYTES: usize = protocol::limits::FILTER_BYTES - 200;
    let mut filter = term(0);
    for next in (1..most).map(term) {
        if filter.len() + joint.len() + next.len() > FILTER_BYTES {
            break;
        }
        filter = format!("{filter}{joint}{next}");
    }
    filter
}
