//! The commands of operators.

mod audit;
mod check;

pub use audit::Audit;
pub use check::{CheckSummary, CheckTable};
