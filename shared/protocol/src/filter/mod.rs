//! Filters (RFC 7644 §3.4.2.2): parsed and type-checked against the schema, printed, and evaluated on a resource.

mod evaluate;
mod expression;
mod lex;
mod namespace;
mod parse;
mod parse_error;
mod path;
#[cfg(test)]
mod tests;
mod typecheck;

pub use expression::{Comparison, Filter, Operand, Operator};
pub(crate) use lex::pieces;
pub(crate) use parse_error::ParseError;
pub(crate) use path::{PatchPath, parse_path};
