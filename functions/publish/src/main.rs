//! Starts the function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::run_event(publish::State::from_environment(), publish::handle)
}
