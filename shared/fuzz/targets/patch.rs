#![no_main]
//! Lets the fuzzer try `fuzz::patch`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::patch(text));
