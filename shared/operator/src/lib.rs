//! What operators do with a directory, as commands.

mod audit;
mod check;

pub use audit::Audit;
pub use check::{CheckSummary, CheckTable};
