//! A process of `local`, which a test starts and which ends with the test.

use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use acceptance::record;
use testkit::{FaultProxy, engine};

/// A process starts within milliseconds in memory; the first one on DynamoDB Local takes seconds.
pub(crate) const START: Duration = Duration::from_secs(60);

/// The last line of the introduction, which contains the token.
pub(crate) const END_OF_INTRODUCTION: &str = "Ctrl-C stops it.";

pub(crate) struct LocalProcess {
    pub(crate) child: Child,
    /// The lines that the process has printed since they were last read.
    pub(crate) lines: Receiver<String>,
    pub(crate) base_url: String,
    pub(crate) token: String,
}

impl LocalProcess {
    /// Starts `local` with these arguments, and waits until it has printed its base URL and its token.
    pub(crate) fn start(tenant: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.args(["--port", "0", "--tenant", tenant]).args(arguments);
        // With one arena, the next request reuses memory that a request has freed, as in a function of one thread.
        command.env("MALLOC_ARENA_MAX", "1");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("local starts");
        let (sender, lines) = channel();
        follow(child.stdout.take().unwrap(), sender.clone(), Some(END_OF_INTRODUCTION));
        follow(child.stderr.take().unwrap(), sender, None);
        let (base_url, token) = introduction(&lines);
        Self { child, lines, base_url, token }
    }

    /// Starts `local` on a database in memory, or on the one of `DYNAMODB_ENDPOINT` and `SCIM_AWS` (see
    /// `testkit::engine`). With `SCIM_FAULTS`, calls of the database fail at that rate once the process has started.
    pub(crate) fn start_in_memory(tenant: &str, arguments: &[&str]) -> Self {
        let faults = fault_rate().map(|rate| (FaultProxy::before(engine(), 1), rate));
        let has_engine = ["DYNAMODB_ENDPOINT", "SCIM_AWS"].iter().any(|name| env::var_os(name).is_some());
        let data = match &faults {
            Some((proxy, _)) => vec!["--dynamodb-endpoint", proxy.url()],
            None if has_engine => vec!["--dynamodb-endpoint", engine()],
            None => vec!["--memory"],
        };
        let process = Self::start(tenant, &[&data, arguments].concat());
        faults.iter().for_each(|(proxy, rate)| proxy.fail(*rate));
        process
    }

    /// The last lines that the process has printed.
    pub(crate) fn last_lines(&self) -> String {
        let lines: Vec<String> = self.lines.try_iter().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the last lines of the server\n{}", self.last_lines());
        }
    }
}

/// The percentage of DynamoDB calls that fail, from the environment variable `SCIM_FAULTS`.
pub(crate) fn fault_rate() -> Option<f64> {
    env::var("SCIM_FAULTS").ok().map(|rate| rate.parse().expect("SCIM_FAULTS is a number"))
}

/// Reads lines until the process has printed both its base URL and its token, in any order.
fn introduction(lines: &Receiver<String>) -> (String, String) {
    let mut base_url = None;
    let mut token = None;
    let mut printed = String::new();
    while base_url.is_none() || token.is_none() {
        let Ok(line) = lines.recv_timeout(START) else {
            panic!("local did not print its base URL and token, only:\n{printed}");
        };
        base_url = base_url.or_else(|| word(&line, "http", ":/.-").filter(|url| url.ends_with("/scim/v2")));
        token = token.or_else(|| word(&line, "scim_", "_").filter(|token| token.len() > 20));
        writeln!(printed, "{line}").unwrap();
    }
    (base_url.unwrap(), token.unwrap())
}

/// Forwards the lines that a process prints, so that its pipe never fills. If the process prints an introduction,
/// only the lines after it are recorded, because the introduction contains the token.
fn follow(pipe: impl Read + Send + 'static, lines: Sender<String>, mut introduction: Option<&'static str>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            match introduction {
                None => record::printed(&line),
                Some(end) => introduction = introduction.filter(|_| line != end),
            }
            let _ = lines.send(line);
        }
    });
}

/// The first word in `line` that starts with `start` and continues with letters, digits and `others`.
fn word(line: &str, start: &str, others: &str) -> Option<String> {
    let from = &line[line.find(start)?..];
    let end = from.find(|c: char| !c.is_ascii_alphanumeric() && !others.contains(c));
    Some(from[..end.unwrap_or(from.len())].to_owned())
}

/// Prints on the real standard error, which the test harness does not capture, that a test did not run.
pub(crate) fn print_skipped(name: &str, reason: &str) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("skipped {name}: {reason}\n"));
}
