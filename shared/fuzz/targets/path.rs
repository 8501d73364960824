#![no_main]
//! Runs libFuzzer on `fuzz::path`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::path(text));
