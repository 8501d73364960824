//! Starts the function.

use std::process::ExitCode;

use store::{Directory, Warm};

fn main() -> ExitCode {
    edge::run_event(Directory::from_environment(Warm::Resources(1)), audit_list::handle)
}
