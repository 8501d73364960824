//! Filters (RFC 7644 §3.4.2.2): read against the schema, printed, and evaluated on a resource.

mod evaluate;
mod lex;
mod parse;
mod path;
#[cfg(test)]
mod tests;
mod typecheck;

use std::fmt;

use schema::Invalid;
use serde_json::{Number, Value};

use crate::path::AttributePath;

pub(crate) use lex::pieces;
pub(crate) use path::{Place, place};

/// The longest filter, in bytes.
const FILTER_BYTES: usize = 4096;
/// The deepest nesting of `(` and `[`.
const FILTER_DEPTH: usize = 16;

/// A filter that fits the schema: every path is an attribute, every literal of its type.
#[derive(Debug, Clone)]
pub enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    /// `pr`.
    Present(AttributePath),
    Compare(Comparison),
    /// `emails[…]`: one element matches the whole inner filter, whose paths are sub-attributes.
    Element {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

/// `path operator literal`.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub path: AttributePath,
    pub operator: Operator,
    pub operand: Operand,
}

/// RFC 7644 §3.4.2.2, table 3, without `pr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// The literal of a comparison, by the type of the attribute.
#[derive(Debug, Clone)]
pub enum Operand {
    /// As it was written, and in the form in which it is compared.
    Text {
        written: String,
        prepared: String,
    },
    Boolean(bool),
    Number(Number),
    DateTime {
        written: String,
        instant: jiff::Timestamp,
    },
}

/// What is wrong with a filter or a path, and where: characters from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: String,
}

impl Fault {
    pub(crate) fn new(at: usize, problem: impl Into<String>) -> Self {
        Fault { at, problem: problem.into() }
    }

    /// What a strict dialect does not tolerate.
    fn refused(at: usize, invalid: Invalid) -> Self {
        Fault { at, problem: invalid.problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at, self.problem)
    }
}

impl Operator {
    const ALL: [(&'static str, Operator); 9] = [
        ("eq", Operator::Eq),
        ("ne", Operator::Ne),
        ("co", Operator::Co),
        ("sw", Operator::Sw),
        ("ew", Operator::Ew),
        ("gt", Operator::Gt),
        ("ge", Operator::Ge),
        ("lt", Operator::Lt),
        ("le", Operator::Le),
    ];

    /// Operators are read in any case.
    fn named(word: &str) -> Option<Operator> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    /// `co`, `sw`, `ew`.
    fn is_substring(self) -> bool {
        matches!(self, Operator::Co | Operator::Sw | Operator::Ew)
    }

    /// `gt`, `ge`, `lt`, `le`.
    fn is_order(self) -> bool {
        matches!(self, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le)
    }
}

impl Filter {
    /// Whether the filter reads an attribute of the resource, so that it has to be there for [`Filter::matches`].
    pub fn reads(&self, attribute: &str) -> bool {
        match self {
            Filter::Or(terms) | Filter::And(terms) => terms.iter().any(|term| term.reads(attribute)),
            Filter::Not(term) => term.reads(attribute),
            Filter::Present(path) | Filter::Element { path, .. } => path.attribute.name == attribute,
            Filter::Compare(comparison) => comparison.path.attribute.name == attribute,
        }
    }

    /// The literals with which the values of a complex attribute are compared, if that is all that the filter reads of it:
    /// `members.value eq "x"`, `members[value eq "x"]`. Then only elements with these values matter.
    pub fn values_compared(&self, attribute: &str) -> Option<Vec<&str>> {
        match self {
            Filter::Or(terms) | Filter::And(terms) => {
                terms.iter().try_fold(Vec::new(), |all, term| Some([all, term.values_compared(attribute)?].concat()))
            }
            Filter::Not(term) => term.values_compared(attribute),
            Filter::Compare(Comparison { path, operator: Operator::Eq, operand: Operand::Text { written, .. } })
                if path.attribute.name == attribute && path.sub.is_some_and(|sub| sub.name == "value") =>
            {
                Some(vec![written])
            }
            Filter::Element { path, filter } if path.attribute.name == attribute => match filter.as_ref() {
                Filter::Compare(Comparison {
                    path,
                    operator: Operator::Eq,
                    operand: Operand::Text { written, .. },
                }) if path.attribute.name == "value" => Some(vec![written]),
                _ => None,
            },
            other => (!other.reads(attribute)).then(Vec::new),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Or(terms) => joined(f, terms, " or ", |_| false),
            Filter::And(terms) => joined(f, terms, " and ", |term| matches!(term, Filter::Or(_))),
            Filter::Not(term) => write!(f, "not ({term})"),
            Filter::Present(path) => write!(f, "{path} pr"),
            Filter::Compare(comparison) => write!(f, "{comparison}"),
            Filter::Element { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    terms: &[Filter],
    keyword: &str,
    in_parentheses: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, term) in terms.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { keyword })?;
        if in_parentheses(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.path, self.operator.name())?;
        match &self.operand {
            Operand::Text { written, .. } | Operand::DateTime { written, .. } => {
                write!(f, "{}", Value::from(written.as_str()))
            }
            Operand::Boolean(value) => write!(f, "{value}"),
            Operand::Number(value) => write!(f, "{value}"),
        }
    }
}
