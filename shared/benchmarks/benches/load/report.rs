//! The figures of a run, in Markdown, and the problems among them.

use std::time::Duration;

use crate::log::{Log, Times};
use crate::process::ProcessUsage;

/// Memory is flat if the median of the last minute is at most this many percent above that of the second minute.
const FLAT_PERCENT: f64 = 5.0;
/// A server has kept up if it has responded to this part of the due requests.
const KEPT_UP: f64 = 0.99;
const MINUTE: usize = 60;
/// Shorter runs show memory and time, and do not fail because of them.
const MIN_JUDGED_SECONDS: usize = 2 * MINUTE;

pub(crate) struct Run {
    pub(crate) tenants: usize,
    /// Requests per second of each tenant.
    pub(crate) rate: f64,
    pub(crate) seconds: usize,
    /// Megabytes at the end of each second. Empty where the system does not report them.
    pub(crate) memory: Vec<f64>,
    /// The usage of the server and of this process, each at the beginning and at the end.
    pub(crate) cpu: Option<[(ProcessUsage, ProcessUsage); 2]>,
    /// Whether the engine is embedded. The CPU time of another engine is unknown, because it is a separate process.
    pub(crate) is_embedded: bool,
    /// How long the server was busy after the last response.
    pub(crate) busy: Duration,
}

impl Run {
    /// Prints the tables, and returns the problems.
    pub(crate) fn report(&self, log: &Log) -> Vec<String> {
        let Self { tenants, rate, seconds, .. } = self;
        let times = log.all_times();
        let requests = log.requests();
        let due = rate * *tenants as f64;
        let within: u32 = log.per_second.iter().take(*seconds).sum();
        let achieved = f64::from(within) / *seconds as f64;
        println!("{tenants} tenants, {rate:.1} requests per second each, {due:.0} in total, {seconds} seconds:\n");
        println!("| | |\n|---|---|");
        println!("| requests | {requests}, {achieved:.1} responses per second |");
        println!("| errors | {} |", log.errors.len());
        println!("| responses with 429 or 503 | {} |", log.throttled);
        println!("| p50, p99, max | {:.1}, {:.1}, {:.0} ms |", times.at(50), times.at(99), times.at(100));
        if let Some(cpu) = self.cpu {
            let spent = cpu.map(|(begin, end)| end.cpu_seconds - begin.cpu_seconds);
            let [server, load] = spent.map(|spent| spent * 1000.0 / requests.max(1) as f64);
            println!("| CPU time of the server | {server:.2} ms per request |");
            println!("| CPU time of the benchmark | {load:.2} ms per request |");
            if self.is_embedded {
                let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
                let most = cores as f64 * 1000.0 / (server + load);
                println!("| calculated limit of {cores} cores for both | {most:.0} requests per second |");
            }
        }
        println!("| last event published | {:.0?} after the last response |", self.busy);
        let growth = self.memory();
        self.operations(log);
        let mut problems: Vec<String> = log.errors.clone();
        if *seconds > MIN_JUDGED_SECONDS {
            problems.extend(growth.filter(|it| *it > FLAT_PERCENT).map(|it| format!("memory has grown by {it:.1} %")));
            problems.extend(
                (achieved < KEPT_UP * due).then(|| format!("the server has not kept up with {due:.0} a second")),
            );
        }
        problems
    }

    /// The growth of memory in percent.
    fn memory(&self) -> Option<f64> {
        let last = self.memory.last()?;
        let max = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
        let Some((minute, later)) = self.memory.split_at_checked(MINUTE).filter(|(_, later)| !later.is_empty()) else {
            println!("| memory of the server | at most {:.1} MB, {last:.1} MB at the end |", max(&self.memory));
            return None;
        };
        let first = minute[MINUTE - 1];
        let most = max(later);
        println!(
            "| memory of the server | {first:.1} MB after a minute, then at most {most:.1} MB, {last:.1} MB at the end |"
        );
        if self.memory.len() <= MIN_JUDGED_SECONDS {
            return None;
        }
        let second = median(&later[..MINUTE]);
        let end = median(&self.memory[self.memory.len() - MINUTE..]);
        let growth = (end / second - 1.0) * 100.0;
        let verdict = if growth > FLAT_PERCENT { "no" } else { "yes" };
        println!("| flat | {verdict}: {growth:+.1} % from the second to the last minute |");
        Some(growth)
    }

    fn operations(&self, log: &Log) {
        println!("\n| request | count | percent | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|");
        for (operation, times) in &log.times {
            let count = times.len();
            let share = times.len() as f64 * 100.0 / log.requests() as f64;
            let times = Times::of(times);
            let p50 = times.at(50);
            let p99 = times.at(99);
            let max = times.at(100);
            println!("| {operation} | {count} | {share:.1} | {p50:.1} | {p99:.1} | {max:.0} |");
        }
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
