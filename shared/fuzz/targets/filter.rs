#![no_main]
//! Lets the fuzzer try `fuzz::filter`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::filter(text));
