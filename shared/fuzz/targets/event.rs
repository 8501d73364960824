#![no_main]
//! Lets the fuzzer try `fuzz::event`.

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::event(text));
