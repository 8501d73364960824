//! Starts the function.

use std::process::ExitCode;

use store::{Directory, Warm};

fn main() -> ExitCode {
    edge::run_event(Directory::from_environment(Warm::Tokens), tokens_expiring::handle)
}
