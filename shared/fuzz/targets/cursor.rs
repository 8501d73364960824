#![no_main]
//! Runs libFuzzer on `fuzz::cursor`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::cursor(text));
