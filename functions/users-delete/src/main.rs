//! Starts the function.

use std::process::ExitCode;

use store::{Directory, Prewarm};

fn main() -> ExitCode {
    edge::run(Directory::from_environment(Prewarm::Directory { connections: 2 }), users_delete::handle)
}
