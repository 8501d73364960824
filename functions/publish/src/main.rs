//! Starts the function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::run_event(publish::Publisher::from_environment(), publish::handle)
}
