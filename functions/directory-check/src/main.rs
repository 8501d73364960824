//! Starts the function.

use std::process::ExitCode;

use store::{Directory, Prewarm};

fn main() -> ExitCode {
    edge::run_event(Directory::from_environment(Prewarm::Directory { connections: 1 }), directory_check::handle)
}
