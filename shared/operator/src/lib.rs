//! What operators do with a directory, as commands.

mod audit;

pub use audit::Audit;
