//! A `local` that a test starts for itself.

use std::path::Path;

use acceptance::client::Client;
use acceptance::{Target, unique};

use crate::process::{LocalProcess, START, fault_rate};

pub(crate) struct Server {
    process: LocalProcess,
    /// Whether DynamoDB calls fail at random, so that the client repeats requests.
    is_faulty: bool,
}

/// Where a `local` keeps its data.
pub(crate) enum Data<'a> {
    /// In memory, or at `DYNAMODB_ENDPOINT`.
    Memory,
    /// In a file, or at `DYNAMODB_ENDPOINT`.
    File(&'a Path),
    /// At the DynamoDB of this URL, even if `DYNAMODB_ENDPOINT` names another one.
    At(&'a str),
}

impl Server {
    /// A new server with an empty directory.
    pub(crate) fn in_memory() -> Self {
        Self::start(&Data::Memory, &unique("t"))
    }

    /// A new server with an empty directory and a token of this dialect.
    pub(crate) fn with_dialect(dialect: &str) -> Self {
        Self::with_arguments(&Data::Memory, &unique("t"), &["--dialect", dialect])
    }

    /// Starts `local` for `tenant`.
    pub(crate) fn start(data: &Data<'_>, tenant: &str) -> Self {
        // A test that counts DynamoDB calls or makes them fail expects none from the publication of events. It may
        // also read the whole table, so that the table has the name of the tenant and contains no items of other
        // tests.
        let arguments: &[&str] = if let Data::At(_) = data { &["--no-events", "--table", tenant] } else { &[] };
        Self::with_arguments(data, tenant, arguments)
    }

    /// Starts `local` for `tenant`, which writes its events to a file.
    pub(crate) fn with_events_file(data: &Data<'_>, tenant: &str, events: &Path, with_resources: bool) -> Self {
        let mut arguments = vec!["--events", events.to_str().unwrap()];
        arguments.extend(with_resources.then_some("--event-resources"));
        Self::with_arguments(data, tenant, &arguments)
    }

    /// Starts `local` with every log line of the functions.
    pub(crate) fn with_trace_log(tenant: &str) -> Self {
        Self::with_arguments(&Data::Memory, tenant, &["--log", "trace", "--no-events"])
    }

    fn with_arguments(data: &Data<'_>, tenant: &str, arguments: &[&str]) -> Self {
        let at = |url: &str| LocalProcess::start(tenant, &[&["--dynamodb-endpoint", url], arguments].concat());
        let is_faulty = matches!(data, Data::Memory) && fault_rate().is_some();
        let process = match (data, std::env::var("DYNAMODB_ENDPOINT")) {
            (Data::Memory, _) => LocalProcess::start_in_memory(tenant, arguments),
            (Data::At(url), _) => at(url),
            (Data::File(_), Ok(url)) => at(&url),
            (Data::File(path), Err(_)) => {
                LocalProcess::start(tenant, &[&["--data", path.to_str().unwrap()], arguments].concat())
            }
        };
        Self { process, is_faulty }
    }

    pub(crate) fn target(&self) -> Target {
        let mut target = Target::new(&self.process.base_url, &self.process.token);
        target.repeats_requests = self.is_faulty;
        target.is_exclusive = true;
        target
    }

    pub(crate) fn client(&self) -> Client {
        self.target().client()
    }

    /// The host and port at which the server listens.
    pub(crate) fn address(&self) -> String {
        let url = self.process.base_url.trim_start_matches("http://");
        url.split('/').next().unwrap().to_owned()
    }

    pub(crate) fn token(&self) -> &str {
        &self.process.token
    }

    /// How many DynamoDB calls the last request took, according to the line that `local` printed.
    pub(crate) fn calls(&self) -> u64 {
        let lines = self.printed_lines();
        let line = lines.iter().rev().find(|line| line.contains(" DynamoDB call")).expect("a line for the request");
        let (before, _) = line.split_once(" DynamoDB call").expect("a number of calls");
        before.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// The lines that the server has printed since this was last called.
    pub(crate) fn printed_lines(&self) -> Vec<String> {
        // A request for an unknown id marks the end: its line is the last one.
        let marker = format!("00000000-0000-7000-8000-{}", &unique("")[4..]);
        self.client().get(format!("/Users/{marker}"));
        let lines = std::iter::repeat_with(|| self.process.lines.recv_timeout(START).expect("a line for each request"));
        lines.take_while(|line| !(line.contains(&marker) && line.contains(" DynamoDB call"))).collect()
    }

    /// Waits for a line with this beginning and returns it.
    pub(crate) fn wait_for_line(&self, beginning: &str) -> String {
        loop {
            let line = self.process.lines.recv_timeout(START).expect("a line with this beginning");
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// The id of the process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// The peak memory of the server so far, in MB; `None` on systems that do not report it.
    pub(crate) fn peak_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
    }

    /// Sends SIGKILL, and waits for the end of the process.
    pub(crate) fn kill(&mut self) {
        self.process.child.kill().expect("the server was alive");
        self.process.child.wait().expect("the server is gone");
    }
}
