//! The server under test: one that is already running, or a `local` of the test's own that dies with it.

use std::env;
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use testkit::{FaultProxy, engine};

use crate::client::Client;
use crate::faults::rate_of_faults;
use crate::record;

/// Starting takes milliseconds in memory, seconds on DynamoDB Local for the first.
const START: Duration = Duration::from_secs(60);

/// The last line of what is said at the start, the token among it.
pub(crate) const INTRODUCED: &str = "Ctrl-C stops it.";

pub(crate) struct Server {
    base: String,
    token: String,
    process: Option<Process>,
    /// Whether DynamoDB fails at random.
    is_faulty: bool,
}

struct Process {
    child: Child,
    lines: Receiver<String>,
}

/// Where a `local` of our own keeps its data, unless `DYNAMODB_ENDPOINT` says otherwise.
pub(crate) enum Data<'a> {
    Memory,
    File(&'a Path),
    /// A DynamoDB of the test's own, whatever `DYNAMODB_ENDPOINT` says.
    At(&'a str),
}

impl Server {
    /// The server that `SCIM_BASE_URL` names, or else a new one. It may hold anything.
    pub(crate) fn start() -> Self {
        match (env::var("SCIM_BASE_URL"), env::var("SCIM_TOKEN")) {
            (Ok(base), Ok(token)) => {
                Self { base: base.trim_end_matches('/').to_owned(), token, process: None, is_faulty: false }
            }
            _ => Self::spawn(&Data::Memory, &unique("t")),
        }
    }

    /// A new and empty server; none if the tests were told to use one that is running.
    pub(crate) fn own(test: &str) -> Option<Self> {
        may_spawn(test).then(|| Self::spawn(&Data::Memory, &unique("t")))
    }

    /// A server with a strict token: the one that `SCIM_BASE_URL` names if `SCIM_STRICT_TOKEN` is one of its tokens, a new
    /// one, or none.
    pub(crate) fn strict(test: &str) -> Option<Self> {
        match (env::var("SCIM_BASE_URL"), env::var("SCIM_STRICT_TOKEN")) {
            (Ok(base), Ok(token)) => {
                Some(Self { base: base.trim_end_matches('/').to_owned(), token, process: None, is_faulty: false })
            }
            (Ok(_), Err(_)) => {
                skipped(test, "it needs a strict token of that server in SCIM_STRICT_TOKEN");
                None
            }
            (Err(_), _) => Some(Self::launch(&Data::Memory, &unique("t"), &["--dialect", "strict"])),
        }
    }

    /// Starts `local` for `tenant`, and waits until it has said where it listens and what its token is.
    pub(crate) fn spawn(data: &Data<'_>, tenant: &str) -> Self {
        // Nobody else's calls are to come between those of the test's requests, where they are counted, and fail.
        // And who looks through all items finds those of the test alone: the table is called like the tenant.
        let apart: &[&str] = if let Data::At(_) = data { &["--no-events", "--table", tenant] } else { &[] };
        Self::launch(data, tenant, apart)
    }

    /// Starts `local` for `tenant`, and lets it tell its events in a file.
    pub(crate) fn telling(data: &Data<'_>, tenant: &str, events: &Path, resources: bool) -> Self {
        let mut more = vec!["--events", events.to_str().unwrap()];
        more.extend(resources.then_some("--event-resources"));
        Self::launch(data, tenant, &more)
    }

    /// Starts `local` with the functions' own lines, all of them.
    pub(crate) fn loud(tenant: &str) -> Self {
        Self::launch(&Data::Memory, tenant, &["--log", "trace", "--no-events"])
    }

    fn launch(data: &Data<'_>, tenant: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.args(["--port", "0", "--tenant", tenant]).args(more);
        let faulty = rate_of_faults()
            .filter(|_| matches!(data, Data::Memory))
            .map(|rate| (FaultProxy::before(engine(), 1), rate));
        match (env::var_os("DYNAMODB_ENDPOINT"), data) {
            (_, Data::At(url)) => command.arg("--dynamodb-endpoint").arg(url),
            (_, Data::Memory) if let Some((proxy, _)) = &faulty => command.arg("--dynamodb-endpoint").arg(proxy.url()),
            (Some(url), _) => command.arg("--dynamodb-endpoint").arg(url),
            (None, Data::Memory) => command.arg("--memory"),
            (None, Data::File(path)) => command.arg("--data").arg(path),
        };
        // As in a function, which has one thread, what one request has left is there for the next.
        command.env("MALLOC_ARENA_MAX", "1");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("local starts");
        let (sender, lines) = channel();
        follow(child.stdout.take().unwrap(), sender.clone(), Some(INTRODUCED));
        follow(child.stderr.take().unwrap(), sender, None);
        let process = Process { child, lines };
        let (base, token) = process.introduction();
        faulty.iter().for_each(|(proxy, rate)| proxy.fail(*rate));
        Self { base, token, process: Some(process), is_faulty: faulty.is_some() }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base, &self.token).patient(self.is_faulty)
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Whether nothing but this test's data is in the directory.
    pub(crate) fn is_own(&self) -> bool {
        self.process.is_some()
    }

    /// How many DynamoDB calls the last request took, by the line that `local` printed.
    pub(crate) fn calls(&self) -> u64 {
        let said = self.said();
        let line = said.iter().rev().find(|line| line.contains(" DynamoDB call")).expect("a line for the request");
        let (before, _) = line.split_once(" DynamoDB call").expect("a number of calls");
        before.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// What a server of our own has said since this was last called.
    pub(crate) fn said(&self) -> Vec<String> {
        // The last line, then, is that of a request for what nobody has.
        let marker = format!("00000000-0000-7000-8000-{}", &unique("")[4..]);
        self.client().get(format!("/Users/{marker}"));
        let process = self.process.as_ref().expect("a server of our own");
        let lines = std::iter::repeat_with(|| process.lines.recv_timeout(START).expect("a line for each request"));
        lines.take_while(|line| !(line.contains(&marker) && line.contains(" DynamoDB call"))).collect()
    }

    /// The next line that begins so.
    pub(crate) fn line(&self, beginning: &str) -> String {
        let process = self.process.as_ref().expect("a server of our own");
        loop {
            let line = process.lines.recv_timeout(START).expect("a line that begins so");
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// The number of the process.
    pub(crate) fn process(&self) -> u32 {
        self.process.as_ref().expect("a server of our own").child.id()
    }

    /// The most memory that a server of our own has had so far, in MB; none where the system does not say.
    pub(crate) fn peak(&self) -> Option<u64> {
        let process = self.process.as_ref()?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
    }

    /// SIGKILL: no goodbye.
    pub(crate) fn kill(&mut self) {
        let process = self.process.as_mut().expect("a server of our own");
        process.child.kill().expect("the server was alive");
        process.child.wait().expect("the server is gone");
    }
}

impl Process {
    /// Reads until both the base URL and the token were printed, in whatever order and dress.
    fn introduction(&self) -> (String, String) {
        let (mut base, mut token, mut said) = (None, None, String::new());
        while base.is_none() || token.is_none() {
            let Ok(line) = self.lines.recv_timeout(START) else {
                panic!("local did not print its base URL and token, only:\n{said}");
            };
            base = base.or_else(|| word(&line, "http", ":/.-").filter(|url| url.ends_with("/scim/v2")));
            token = token.or_else(|| word(&line, "scim_", "_").filter(|token| token.len() > 20));
            writeln!(said, "{line}").unwrap();
        }
        (base.unwrap(), token.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let said: Vec<String> = self.lines.try_iter().collect();
            let last = said.len().saturating_sub(20);
            eprintln!("--- what the server said last\n{}", said[last..].join("\n"));
        }
    }
}

/// Hands over what a process says, line by line, so that its pipe never fills. It is recorded when `introduction`, if there is one, has
/// been said: a token stands in that.
fn follow(pipe: impl Read + Send + 'static, lines: Sender<String>, mut introduction: Option<&'static str>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            match introduction {
                None => record::said(&line),
                Some(end) => introduction = introduction.filter(|_| line != end),
            }
            let _ = lines.send(line);
        }
    });
}

/// The first word in `line` that starts with `start` and goes on with letters, digits and `others`.
fn word(line: &str, start: &str, others: &str) -> Option<String> {
    let from = &line[line.find(start)?..];
    let end = from.find(|c: char| !c.is_ascii_alphanumeric() && !others.contains(c));
    Some(from[..end.unwrap_or(from.len())].to_owned())
}

/// Whether this run may start servers of its own; if not, says that `test` is left out.
pub(crate) fn may_spawn(test: &str) -> bool {
    let may = env::var_os("SCIM_BASE_URL").is_none();
    if !may {
        skipped(test, "it starts servers of its own, and SCIM_BASE_URL is set");
    }
    may
}

/// Says on the real standard error, past the test harness, that a test did nothing.
pub(crate) fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}

/// A name that no other test and no other run uses: the prefix and 16 hexadecimal digits.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}{:016x}", RandomState::new().build_hasher().finish())
}
