//! Starts the function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::run_event(publish::State::from_environment(), events_replay::handle)
}
