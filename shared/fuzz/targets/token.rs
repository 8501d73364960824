#![no_main]
//! Runs libFuzzer on `fuzz::token`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::token(text));
