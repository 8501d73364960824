//! Runs each target once on every text that the fuzzer found interesting: `corpus/<target>.jsonl` has one text per
//! line.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

/// The time that one text may take. It is a hundred times as long as most corpora take in total.
const MAX_TIME: Duration = Duration::from_secs(5);

fn corpus(target: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("corpus/{target}.jsonl"));
    let lines = fs::read_to_string(&file).unwrap();
    let texts: Vec<String> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!texts.is_empty(), "{}", file.display());
    texts
}

#[test]
fn no_target_panics_on_its_corpus() {
    for (target, check) in fuzz::TARGETS {
        let texts = corpus(target);
        let begun = Instant::now();
        for text in &texts {
            let one = Instant::now();
            assert!(catch_unwind(|| check(text)).is_ok(), "{target}: {text:?}");
            assert!(one.elapsed() < MAX_TIME, "{target}, {:?}: {text:?}", one.elapsed());
        }
        println!("corpus of {target}: {} texts in {:.1?}", texts.len(), begun.elapsed());
    }
}

#[test]
fn accepted_extension_can_read_a_resource() {
    for text in corpus("extension") {
        assert!(catch_unwind(|| fuzz::extension_in_use(&text)).is_ok(), "{text:?}");
    }
}
