#![no_main]
//! Runs libFuzzer on `fuzz::filter`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::filter(text));
