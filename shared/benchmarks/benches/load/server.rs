//! The server under load: a `local` in a process of its own, as `cargo run` starts it, with its data in a file or in the DynamoDB that
//! `DYNAMODB_ENDPOINT` names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Starting takes milliseconds on a file, seconds on DynamoDB Local for the first.
const START: Duration = Duration::from_secs(60);
/// The last line of what is said at the start, the token among it.
const INTRODUCED: &str = "Ctrl-C stops it.";
/// Linux counts CPU time in hundredths of a second, whatever the machine.
const TICKS: f64 = 100.0;
/// A server that has nothing to do takes less than so much of a core, each time that is looked at.
const IDLE: f64 = 0.1;
const LOOK: Duration = Duration::from_millis(500);

pub(crate) struct Server {
    process: Process,
    _folder: TempDir,
    /// One of each tenant.
    pub(crate) tokens: Vec<String>,
}

/// It dies with its value.
struct Process {
    child: Child,
    said: PathBuf,
}

/// What a process has of the machine.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) resident_mb: f64,
    /// Since its start.
    pub(crate) cpu_seconds: f64,
}

impl Server {
    pub(crate) fn start(tenants: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let table = format!("load-{:016x}", fastrand::u64(..));
        // Each start prints the token of one tenant, which stays valid.
        let start = |tenant: usize, more: &[&str]| {
            let process = Process::spawn(folder.path(), &table, &format!("tenant-{tenant}"), more);
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

    /// The last lines that it has printed.
    pub(crate) fn last_words(&self) -> String {
        let said = self.process.said();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until it has told its events, which it does when it has answered, and says for how long it was busy with them.
    pub(crate) async fn rest(&self) -> Duration {
        let begun = tokio::time::Instant::now();
        loop {
            let before = self.usage();
            tokio::time::sleep(LOOK).await;
            let spent = before.zip(self.usage()).map(|(before, now)| now.cpu_seconds - before.cpu_seconds);
            if spent.is_none_or(|spent| spent < IDLE * LOOK.as_secs_f64()) {
                return begun.elapsed() - LOOK;
            }
        }
    }

    /// None where the system does not say.
    pub(crate) fn usage(&self) -> Option<Usage> {
        usage(&self.id().to_string())
    }

    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }
}

impl Process {
    /// Starts `local`, and waits until it has said where it listens and what its token is.
    fn spawn(folder: &Path, table: &str, tenant: &str, more: &[&str]) -> Self {
        let said = folder.join("said");
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.args(["--port", "0", "--tenant", tenant]).args(more);
        match std::env::var_os("DYNAMODB_ENDPOINT") {
            Some(url) => command.arg("--dynamodb-endpoint").arg(url).args(["--table", table]),
            None => command.arg("--data").arg(folder.join("directory.sqlite")),
        };
        let output = File::create(&said).unwrap();
        command.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
        let process = Self { child: command.spawn().expect("local starts"), said };
        let begun = Instant::now();
        while !process.said().contains(INTRODUCED) {
            assert!(begun.elapsed() < START, "local did not say where it listens, only:\n{}", process.said());
            thread::sleep(Duration::from_millis(5));
        }
        process
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// The first word of what was said that starts with `start` and goes on with letters, digits and `others`.
    fn word(&self, start: &str, others: &str) -> String {
        let said = self.said();
        let from = &said[said.find(start).expect("it is said at the start")..];
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && !others.contains(c));
        from[..end.unwrap_or(from.len())].to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of the process with this number, or of `self`.
pub(crate) fn usage(process: &str) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kb: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the program's name, which may hold anything: the state is the first, user time the 12th, system time the 13th.
    let times = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(2);
    let ticks: f64 = times.filter_map(|time| time.parse::<f64>().ok()).sum();
    Some(Usage { resident_mb: resident_kb / 1024.0, cpu_seconds: ticks / TICKS })
}
