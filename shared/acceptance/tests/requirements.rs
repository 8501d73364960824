//! Checks that the guide's tables of what the RFCs require (`reference/requirements.md`) agree with the sources: each
//! check and test that a table names exists, and each row names one or gives a reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// The prefixes of the reasons that replace a test.
const REASONS: [&str; 2] = ["not done: ", "not ours: "];

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Whether `name` is that of a check, or has the form `file::test` and such a file contains such a function.
fn exists(sources: &[(PathBuf, String)], name: &str) -> bool {
    if acceptance::checks().any(|check| check.name == name) {
        return true;
    }
    let Some((file, test)) = name.rsplit_once("::") else { return false };
    let file = format!("{file}.rs");
    let test = format!("fn {test}(");
    sources.iter().any(|(path, text)| path.ends_with(&file) && text.contains(&test))
}

#[test]
fn every_requirement_names_its_tests_or_a_reason() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(package.join("../guide/src/reference/requirements.md")).unwrap();
    let mut all = Vec::new();
    for folder in ["shared", "functions"] {
        sources(&package.join("../..").join(folder), &mut all);
    }
    let mut complaints = Vec::new();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| §") && !line.starts_with("| § ")) {
        rows += 1;
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, statement, shown] = cells[..] else {
            complaints.push(format!("not three cells: {line}"));
            continue;
        };
        let tests: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        let has_reason = REASONS.iter().any(|reason| shown.starts_with(reason) && shown.len() > reason.len());
        if tests.is_empty() && !has_reason {
            complaints.push(format!("neither test nor reason: {statement}"));
        }
        let unknown = tests.into_iter().filter(|test| test.contains("::") && !exists(&all, test));
        complaints.extend(unknown.map(|test| format!("no test {test}: {statement}")));
    }
    assert!(rows > 150, "{rows} rows");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
