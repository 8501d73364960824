//! Runs each target on randomly mutated texts of its corpus. `FUZZ_SECONDS=60 cargo test -p fuzz --test mutations`
//! sets the time for each target to a minute; the default is a tenth of a second.
//!
//! Unlike `.ci/fuzz.py`, coverage does not guide the mutations, so that this test needs no C++ compiler and no
//! separate build. A failure prints the text.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot continue panics")]

use std::fs;
use std::ops::Range;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// The time for each target.
const DEFAULT_SECONDS: f64 = 0.1;

/// The time that one text may take.
const TEXT_LIMIT: Duration = Duration::from_secs(5);

/// The longest text. API Gateway accepts no longer URL, and a longer body would repeat the same elements.
const MAX_CHARS: usize = 16_384;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The words of the fuzzer's dictionary that are valid JSON strings.
fn words() -> Vec<String> {
    read("scim.dict").lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn corpus(target: &str) -> Vec<Vec<char>> {
    let text = |line| serde_json::from_str::<String>(line).unwrap().chars().collect();
    read(&format!("corpus/{target}.jsonl")).lines().map(text).collect()
}

fn range(random: &mut Rng, length: usize) -> Range<usize> {
    let start = random.usize(..=length);
    start..start + random.usize(..=(length - start).min(32))
}

/// Changes `text` once: it removes, repeats or moves a part, or replaces it by a word, a character or a part of
/// `other`.
fn mutate(random: &mut Rng, text: &mut Vec<char>, other: &[char], words: &[String]) {
    let part = range(random, text.len());
    match random.u8(..6) {
        0 => drop(text.drain(part)),
        1 => {
            let copy = text[part.clone()].to_vec();
            text.splice(part.end..part.end, copy);
        }
        2 => {
            let moved: Vec<char> = text.drain(part).collect();
            let place = random.usize(..=text.len());
            text.splice(place..place, moved);
        }
        3 => drop(text.splice(part, words[random.usize(..words.len())].chars())),
        4 => drop(text.splice(part, [random.char(..)])),
        _ => {
            let inserted = range(random, other.len());
            text.splice(part, other[inserted].iter().copied());
        }
    }
    text.truncate(MAX_CHARS);
}

#[test]
fn mutated_corpus_text_causes_no_panic() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(DEFAULT_SECONDS, |seconds| seconds.parse().unwrap());
    let words = words();
    let mut random = Rng::new();
    for (target, check) in fuzz::TARGETS {
        let texts = corpus(target);
        let begin = Instant::now();
        let mut count = 0;
        while begin.elapsed().as_secs_f64() < seconds {
            let mut text = texts[random.usize(..texts.len())].clone();
            for _ in 0..random.usize(1..=4) {
                let other = random.usize(..texts.len());
                mutate(&mut random, &mut text, &texts[other], &words);
            }
            let text: String = text.into_iter().collect();
            let start = Instant::now();
            assert!(catch_unwind(|| check(&text)).is_ok(), "{target}: {text:?}");
            assert!(start.elapsed() < TEXT_LIMIT, "{target}, {:?}: {text:?}", start.elapsed());
            count += 1;
        }
        println!("{target}: {count} mutated texts in {seconds} s");
    }
}
