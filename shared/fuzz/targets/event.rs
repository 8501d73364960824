#![no_main]
//! Runs libFuzzer on `fuzz::event`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::event(text));
