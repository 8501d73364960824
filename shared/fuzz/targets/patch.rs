#![no_main]
//! Runs libFuzzer on `fuzz::patch`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::patch(text));
