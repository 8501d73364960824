//! Memory and answers against time, of the last run on each engine.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use testing::{Chart, Line, svg};

/// The engines, and where their series are kept between runs.
const ENGINES: [(&str, &str); 2] = [("embedded engine", "embedded.csv"), ("DynamoDB Local", "dynamodb-local.csv")];

/// Keeps a run's series, and draws it beside the other engine's; where the drawing is.
pub(crate) fn draw(is_embedded: bool, memory: &[f64], answers: &[u32]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("load");
    fs::create_dir_all(&folder).unwrap();
    let mut series = String::new();
    for (second, (megabytes, answers)) in memory.iter().zip(answers).enumerate() {
        writeln!(series, "{},{megabytes:.1},{answers}", second + 1).unwrap();
    }
    fs::write(folder.join(ENGINES[usize::from(!is_embedded)].1), series).unwrap();
    let chart = |title: &str, column: usize| Chart {
        title: title.to_owned(),
        x: "seconds".to_owned(),
        lines: ENGINES.iter().filter_map(|(name, file)| line(name, &folder.join(file), column)).collect(),
    };
    let drawing = folder.join("load.svg");
    let charts = [chart("Resident memory of the server, MB", 1), chart("Answers a second", 2)];
    fs::write(&drawing, svg(&charts)).unwrap();
    drawing
}

fn line(name: &str, file: &Path, column: usize) -> Option<Line> {
    let rows = fs::read_to_string(file).ok()?;
    let number = |row: &str, column: usize| row.split(',').nth(column)?.parse().ok();
    let points = rows.lines().filter_map(|row| Some((number(row, 0)?, number(row, column)?))).collect();
    Some(Line { name: name.to_owned(), points })
}
