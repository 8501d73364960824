//! Starts the function.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::run(edge::stateless(), openapi::handle)
}
