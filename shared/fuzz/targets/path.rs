#![no_main]
//! Lets the fuzzer try `fuzz::path`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::path(text));
