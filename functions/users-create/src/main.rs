//! Starts the function.

use std::process::ExitCode;

use store::{Directory, Warm};

fn main() -> ExitCode {
    edge::run(Directory::from_environment(Warm::Resources(1)), users_create::handle)
}
