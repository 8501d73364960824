//! What the fuzzer found interesting so far, tried once: `corpus/<target>.jsonl` has a text on each line.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

/// As long as a text may take at most: a hundred times what most take together.
const LONGEST: Duration = Duration::from_secs(5);

fn corpus(target: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("corpus/{target}.jsonl"));
    let lines = fs::read_to_string(&file).unwrap();
    let texts: Vec<String> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!texts.is_empty(), "{}", file.display());
    texts
}

#[test]
fn every_text_of_the_corpus_is_answered() {
    for (target, check) in fuzz::TARGETS {
        let (texts, begun) = (corpus(target), Instant::now());
        for text in &texts {
            let one = Instant::now();
            assert!(catch_unwind(|| check(text)).is_ok(), "{target}: {text:?}");
            assert!(one.elapsed() < LONGEST, "{target}, {:?}: {text:?}", one.elapsed());
        }
        println!("corpus of {target}: {} texts in {:.1?}", texts.len(), begun.elapsed());
    }
}

#[test]
fn a_resource_is_read_by_every_schema_that_is_accepted() {
    for text in corpus("extension") {
        assert!(catch_unwind(|| fuzz::extension_in_use(&text)).is_ok(), "{text:?}");
    }
}
