//! The server under load: the program of `cargo run` in a separate process, with its data in a file or in the
//! DynamoDB that `DYNAMODB_ENDPOINT` names.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{ProcessUsage, ServerProcess, usage};

/// An idle server takes less than this part of a core between two samples.
const IDLE: f64 = 0.1;
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) struct Server {
    process: ServerProcess,
    _folder: TempDir,
    /// One token of each tenant.
    pub(crate) tokens: Vec<String>,
}

impl Server {
    pub(crate) fn start(tenants: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let table = format!("load-{:016x}", fastrand::u64(..));
        // Each start prints the token of one tenant, which stays valid.
        let start = |tenant: usize, more: &[&str]| {
            let process = spawn(folder.path(), &table, &format!("tenant-{tenant}"), more);
            let token = process.word("scim_", "_");
            (process, token)
        };
        let mut tokens: Vec<String> = (1..tenants).map(|tenant| start(tenant, &["--no-events"]).1).collect();
        let (process, token) = start(0, &[]);
        tokens.push(token);
        Self { process, _folder: folder, tokens }
    }

    pub(crate) fn base(&self) -> String {
        self.process.word("http", ":/.-")
    }

    /// The last lines of its output.
    pub(crate) fn last_lines(&self) -> String {
        let output = self.process.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until the server is idle, because it publishes events after its responses. Returns how long it was
    /// busy.
    pub(crate) async fn idle(&self) -> Duration {
        let begun = tokio::time::Instant::now();
        loop {
            let before = self.usage();
            tokio::time::sleep(SAMPLE_INTERVAL).await;
            let spent = before.zip(self.usage()).map(|(before, now)| now.cpu_seconds - before.cpu_seconds);
            if spent.is_none_or(|spent| spent < IDLE * SAMPLE_INTERVAL.as_secs_f64()) {
                return begun.elapsed() - SAMPLE_INTERVAL;
            }
        }
    }

    /// The usage of the server; `None` where the system does not report it.
    pub(crate) fn usage(&self) -> Option<ProcessUsage> {
        usage(&self.id().to_string())
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }
}

/// Starts the program for a tenant.
fn spawn(folder: &Path, table: &str, tenant: &str, more: &[&str]) -> ServerProcess {
    let endpoint = env::var_os("DYNAMODB_ENDPOINT");
    let file = folder.join("directory.sqlite");
    let data: [&OsStr; 2] = match &endpoint {
        Some(url) => ["--dynamodb-endpoint".as_ref(), url],
        None => ["--data".as_ref(), file.as_ref()],
    };
    let table = if endpoint.is_some() { vec!["--table".as_ref(), table.as_ref()] } else { Vec::new() };
    let more = more.iter().map(AsRef::as_ref);
    let arguments: Vec<&OsStr> =
        ["--tenant".as_ref(), tenant.as_ref()].into_iter().chain(more).chain(data).chain(table).collect();
    ServerProcess::spawn(folder, &arguments)
}
