#![no_main]
//! Lets the fuzzer try `fuzz::extension`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::extension(text));
