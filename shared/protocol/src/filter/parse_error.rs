//! An error in a filter or a path, and its position.

use std::fmt;

use schema::Violation;

/// An error in a filter or a path, and its position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    /// The position in characters, counted from 1.
    pub(crate) at: usize,
    pub(crate) problem: String,
}

impl ParseError {
    pub(crate) fn new(at: usize, problem: impl Into<String>) -> Self {
        ParseError { at, problem: problem.into() }
    }

    /// The error for a deviation that a strict dialect does not tolerate.
    pub(super) fn not_tolerated(at: usize, violation: Violation) -> Self {
        ParseError { at, problem: violation.problem }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at, self.problem)
    }
}
