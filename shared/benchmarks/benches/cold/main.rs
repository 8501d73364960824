//! The cold start of every function: its program runs in a separate process, with a stub of the Lambda Runtime API
//! and with the embedded DynamoDB behind TLS on loopback. Prints tables in Markdown.
//!
//!     cargo bench -p benchmarks --bench cold    builds the functions first, in the release profile
//!     COLD_PROGRAMS=target/lambda COLD_RUNS=15 cargo bench -p benchmarks --bench cold -- users-create groups-patch
//!
//! Lambda gives a whole core to the init phase, so the quota is set when the function polls for its first event.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its tables"
)]

mod dynamo;
#[path = "../common/events.rs"]
mod events;
mod function;
mod lambda;
mod process;
mod report;
mod sample;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::variable;

use crate::dynamo::Dynamo;
use crate::function::Function;
use crate::report::{FunctionReport, SIZES};
use crate::sample::Sample;

/// This function is also measured with a page of 100, the slowest of the frequent requests.
const PAGED: &str = "users-list";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chosen: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut names: Vec<String> = std::fs::read_dir(root.join("functions")).unwrap().map(|entry| name(&entry)).collect();
    names.retain(|name| name != "local" && (chosen.is_empty() || chosen.contains(name)));
    names.sort();
    let programs = env::var_os("COLD_PROGRAMS").map_or_else(|| build(&root, &names), PathBuf::from);
    let runs = variable("COLD_RUNS", 11) as usize;
    let sizes = if process::quotas().is_some() { &SIZES[..] } else { &SIZES[..1] };
    if sizes.len() == 1 {
        println!("Control groups cannot be created here, so there are no rows with a quota.\n");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dynamo = Dynamo::start();
    let report = |name: &String, is_page| {
        FunctionReport::new(Function { name: name.clone(), is_page, program: program(&programs, name) })
    };
    let mut reports: Vec<FunctionReport> = names.iter().map(|name| report(name, false)).collect();
    reports.extend(names.iter().filter(|name| *name == PAGED).map(|name| report(name, true)));
    runtime.block_on(dynamo.fill(100));
    // The functions take turns, so that other work on the machine affects all of them alike.
    for _ in 0..runs {
        for report in &mut reports {
            for (index, size) in sizes.iter().enumerate() {
                let sample = runtime.block_on(Sample::take(&dynamo, &report.function, *size));
                report.samples[index].push(sample);
            }
        }
    }
    report::print(&reports, sizes, runs);
}

fn name(entry: &std::io::Result<std::fs::DirEntry>) -> String {
    entry.as_ref().unwrap().file_name().into_string().unwrap()
}

/// The path of a program, in the layout of `cargo lambda` or of `cargo`.
fn program(folder: &Path, name: &str) -> PathBuf {
    let bootstrap = folder.join(name).join("bootstrap");
    if bootstrap.exists() { bootstrap } else { folder.join(name) }
}

/// Builds the functions in the release profile, and returns their folder.
fn build(root: &Path, names: &[String]) -> PathBuf {
    let knows_dynamo = |name: &&String| {
        let manifest = root.join("functions").join(name).join("Cargo.toml");
        std::fs::read_to_string(manifest).unwrap().contains("\nservice.")
    };
    // SAM builds each function alone. So functions without a store must not get the features that the store
    // enables.
    let (with, without): (Vec<_>, Vec<_>) = names.iter().partition(knows_dynamo);
    for names in [with, without].into_iter().filter(|names| !names.is_empty()) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root).args(["build", "--release", "--locked"]);
        cargo.args(names.iter().flat_map(|name| ["--package", name]));
        assert!(cargo.status().unwrap().success(), "the functions cannot be built");
    }
    root.join("target/release")
}
