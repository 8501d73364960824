#![no_main]
//! Lets the fuzzer try `fuzz::token`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::token(text));
