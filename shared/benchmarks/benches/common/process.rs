//! The program of `cargo run` in a separate process.

#[path = "program.rs"]
mod program;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The start takes milliseconds on a file, and seconds for the first process on DynamoDB Local.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The end of the banner, which contains the token.
const BANNER_END: &str = "Ctrl-C stops it.";
/// Linux reports CPU time in hundredths of a second on every machine.
const TICKS: f64 = 100.0;

/// A process that is killed when this is dropped.
pub(crate) struct ServerProcess {
    pub(crate) child: Child,
    /// The file with its output.
    output: PathBuf,
}

/// The resources that a process uses.
#[derive(Clone, Copy)]
pub(crate) struct ProcessUsage {
    pub(crate) resident_mb: f64,
    /// The CPU time since the start of the process.
    pub(crate) cpu_seconds: f64,
}

impl ServerProcess {
    /// Starts the program with its output in a folder, and waits for the end of its banner.
    pub(crate) fn spawn(folder: &Path, arguments: &[&OsStr]) -> Self {
        let output = folder.join("output");
        let mut command = Command::new(program::program());
        command.args(["--port", "0"]).args(arguments);
        let file = File::create(&output).unwrap();
        command.stdin(Stdio::null()).stderr(file.try_clone().unwrap()).stdout(file);
        let process = Self { child: command.spawn().expect("local starts"), output };
        let begun = Instant::now();
        while !process.output().contains(BANNER_END) {
            assert!(begun.elapsed() < START_TIMEOUT, "local printed no banner, only:\n{}", process.output());
            thread::sleep(Duration::from_millis(5));
        }
        process
    }

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// The first word of the output that starts with `start` and continues with letters, digits and `others`.
    pub(crate) fn word(&self, start: &str, others: &str) -> String {
        let output = self.output();
        let from = &output[output.find(start).expect("the banner contains it")..];
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && !others.contains(c));
        from[..end.unwrap_or(from.len())].to_owned()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The usage of the process with this id, or of `self`.
pub(crate) fn usage(process: &str) -> Option<ProcessUsage> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kb: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The fields after the program's name, which may contain anything: user time is the 12th, system time the 13th.
    let times = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(2);
    let ticks: f64 = times.filter_map(|time| time.parse::<f64>().ok()).sum();
    Some(ProcessUsage { resident_mb: resident_kb / 1024.0, cpu_seconds: ticks / TICKS })
}
