#![no_main]
//! Lets the fuzzer try `fuzz::cursor`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::cursor(text));
