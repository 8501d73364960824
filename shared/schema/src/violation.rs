//! A value that the schema does not allow, and the sentence about it.

use std::fmt;

use serde_json::Value;

use crate::{Leniency, Restriction};

/// A value that the schema does not allow.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the value, such as `emails[1].primary`.
    pub attribute: String,
    /// What was expected and what was sent; never the value itself.
    pub problem: String,
    /// The rule of the token's dialect that rejects the value, if another dialect would accept it.
    pub rule: Option<Rule>,
}

/// A rule by which dialects differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The value needs this leniency.
    Leniency(Leniency),
    /// The value breaks this restriction.
    Restriction(Restriction),
}

impl Violation {
    pub(crate) fn new(attribute: &str, problem: impl Into<String>) -> Self {
        Violation { attribute: attribute.to_owned(), problem: problem.into(), rule: None }
    }
}

impl std::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attribute, self.problem)
    }
}

/// The error for a value of the wrong type.
pub(crate) fn mismatch(path: &str, expected: &str, value: &Value) -> Violation {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) if expected == "a boolean" => "another string; send true or false",
        Value::String(_) if expected == "an object" => "a string",
        Value::String(_) => "another string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Violation::new(path, format!("expected {expected}, got {got}"))
}
