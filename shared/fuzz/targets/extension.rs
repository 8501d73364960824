#![no_main]
//! Runs libFuzzer on `fuzz::extension`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::extension(text));
