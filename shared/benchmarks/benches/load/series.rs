//! Memory and responses over time, of the last run on each engine, for a plot.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the series of a run, with a line for each second: the second, megabytes, responses. Returns the path of
/// the file.
pub(crate) fn write(is_embedded: bool, memory: &[f64], answers: &[u32]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("load");
    fs::create_dir_all(&folder).unwrap();
    let mut series = String::new();
    for (second, (megabytes, answers)) in memory.iter().zip(answers).enumerate() {
        writeln!(series, "{},{megabytes:.1},{answers}", second + 1).unwrap();
    }
    let file = folder.join(if is_embedded { "embedded.csv" } else { "dynamodb-local.csv" });
    fs::write(&file, series).unwrap();
    file
}
