//! Starts the function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::run_event(settle::State::from_environment(), settle::handle)
}
