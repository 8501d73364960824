//! The cold start of every function: its built program, alone in a process, under a stub of the Lambda Runtime API, with DynamoDB (the
//! embedded engine) behind TLS on loopback. Prints tables in Markdown.
//!
//!     cargo bench -p local --bench cold                    builds the functions first, as Cargo.toml's release profile says
//!     COLD_PROGRAMS=target/lambda COLD_RUNS=15 cargo bench -p local --bench cold -- users-create groups-patch
//!
//! Lambda gives a whole core in its init phase. A quota is set when the function asks for its first event.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails by a panic, and prints its tables"
)]

mod dynamo;
#[path = "../common/events.rs"]
mod events;
#[path = "../../src/functions.rs"]
#[allow(dead_code, reason = "its list of names is for other tests")]
mod functions;
mod lambda;
mod process;
mod report;
mod sample;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use testing::variable;

use crate::dynamo::Dynamo;
use crate::report::Row;
use crate::sample::Sample;

/// Memory sizes in megabytes whose share of a core is tried; none is a whole core.
const SIZES: [Option<u32>; 4] = [None, Some(512), Some(256), Some(128)];

/// Asked for a page of 100 too: what takes the longest of what is asked often.
const PAGED: &str = "users-list";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut names: Vec<String> = std::fs::read_dir(root.join("functions")).unwrap().map(|entry| name(&entry)).collect();
    names.retain(|name| name != "local" && (wanted.is_empty() || wanted.contains(name)));
    names.sort();
    let programs = env::var_os("COLD_PROGRAMS").map_or_else(|| build(&root, &names), PathBuf::from);
    let runs = variable("COLD_RUNS", 11) as usize;
    let sizes = if process::quotas().is_some() { &SIZES[..] } else { &SIZES[..1] };
    if sizes.len() == 1 {
        println!("Control groups cannot be made here, so there is no row under a quota.\n");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dynamo = Dynamo::start();
    let row = |name: &String, is_page| Row::new(name, is_page, &program(&programs, name));
    let mut rows: Vec<Row> = names.iter().map(|name| row(name, false)).collect();
    rows.extend(names.iter().filter(|name| *name == PAGED).map(|name| row(name, true)));
    runtime.block_on(dynamo.fill(100));
    // By turns, so that what else the machine does hits all alike.
    for _ in 0..runs {
        for row in &mut rows {
            for (index, size) in sizes.iter().enumerate() {
                let sample = runtime.block_on(Sample::take(&dynamo, row, *size));
                row.samples[index].push(sample);
            }
        }
    }
    report::print(&rows, sizes, runs);
}

fn name(entry: &std::io::Result<std::fs::DirEntry>) -> String {
    entry.as_ref().unwrap().file_name().into_string().unwrap()
}

/// As `cargo lambda` lays them out, or as `cargo` does.
fn program(folder: &Path, name: &str) -> PathBuf {
    let bootstrap = folder.join(name).join("bootstrap");
    if bootstrap.exists() { bootstrap } else { folder.join(name) }
}

/// Builds the functions in the release profile; where they are.
fn build(root: &Path, names: &[String]) -> PathBuf {
    let knows_dynamo = |name: &&String| {
        let manifest = root.join("functions").join(name).join("Cargo.toml");
        std::fs::read_to_string(manifest).unwrap().contains("\nservice.")
    };
    // As SAM builds each alone, a function has no feature of a dependency that only others want.
    let (with, without): (Vec<_>, Vec<_>) = names.iter().partition(knows_dynamo);
    for names in [with, without].into_iter().filter(|names| !names.is_empty()) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root).args(["build", "--release", "--locked"]);
        cargo.args(names.iter().flat_map(|name| ["--package", name]));
        assert!(cargo.status().unwrap().success(), "the functions cannot be built");
    }
    root.join("target/release")
}
