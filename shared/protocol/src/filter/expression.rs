//! The expression of a filter (RFC 7644 §3.4.2.2): its terms, what they read of a resource, and how they are printed.

use std::fmt;

use serde_json::{Number, Value};

use crate::compare::comparison_key;
use crate::path::AttributePath;

/// A filter that is valid for the schema: every path is an attribute, and every literal has the attribute's type.
#[derive(Debug, Clone)]
pub enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    /// `pr`.
    Present(AttributePath),
    Compare(Comparison),
    /// `emails[…]`: one element matches the whole inner filter. The paths of the inner filter are sub-attributes.
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

/// A comparison operator (RFC 7644 §3.4.2.2, table 3, without `pr`).
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
    /// A string as it was sent, and in the form in which it is compared.
    Text {
        written: String,
        comparison_key: String,
    },
    Boolean(bool),
    Number(Number),
    DateTime {
        written: String,
        instant: jiff::Timestamp,
    },
}

impl Operator {
    pub(super) const ALL: [(&'static str, Operator); 9] = [
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

    /// Finds an operator by its name, in any case.
    pub(super) fn named(word: &str) -> Option<Operator> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    /// Whether it is `co`, `sw` or `ew`.
    pub(super) fn is_substring(self) -> bool {
        matches!(self, Operator::Co | Operator::Sw | Operator::Ew)
    }

    /// Whether it is `gt`, `ge`, `lt` or `le`.
    pub(super) fn is_order(self) -> bool {
        matches!(self, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le)
    }
}

impl Filter {
    /// Whether the filter reads an attribute, which must then be in the resource that is passed to
    /// [`Filter::matches`].
    pub fn reads(&self, attribute: &str) -> bool {
        match self {
            Filter::Or(terms) | Filter::And(terms) => terms.iter().any(|term| term.reads(attribute)),
            Filter::Not(term) => term.reads(attribute),
            Filter::Present(path) | Filter::Element { path, .. } => path.attribute.name == attribute,
            Filter::Compare(comparison) => comparison.path.attribute.name == attribute,
        }
    }

    /// The filter with `+` instead of spaces in the names that it compares; `None` if they have no spaces.
    pub(crate) fn with_plus_signs(&self) -> Option<Filter> {
        match self {
            Filter::And(terms) => {
                let replaced: Vec<Option<Filter>> = terms.iter().map(Filter::with_plus_signs).collect();
                if replaced.iter().all(Option::is_none) {
                    return None;
                }
                Some(Filter::And(
                    terms.iter().zip(replaced).map(|(term, new)| new.unwrap_or_else(|| term.clone())).collect(),
                ))
            }
            Filter::Element { path, filter } if path.attribute.name == "emails" => {
                Some(Filter::Element { path: *path, filter: Box::new(filter.with_plus_signs()?) })
            }
            Filter::Compare(comparison) => comparison.with_plus_signs().map(Filter::Compare),
            Filter::Or(_) | Filter::Not(_) | Filter::Present(_) | Filter::Element { .. } => None,
        }
    }

    /// The number of comparisons that evaluating it on one value makes, at most.
    pub(crate) fn comparisons(&self) -> usize {
        match self {
            Filter::Or(terms) | Filter::And(terms) => terms.iter().map(Filter::comparisons).sum(),
            Filter::Not(term) => term.comparisons(),
            Filter::Element { filter, .. } => filter.comparisons(),
            Filter::Present(_) | Filter::Compare(_) => 1,
        }
    }

    /// The literals with which the `value` of a complex attribute is compared, as in `members.value eq "x"` and
    /// `members[value eq "x"]`. `None` if the filter reads anything else of the attribute. Otherwise only elements
    /// with these values affect the result.
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

impl Comparison {
    /// See [`Filter::with_plus_signs`]. Only `eq` searches for a whole name, and only an address never contains spaces.
    fn with_plus_signs(&self) -> Option<Comparison> {
        let is_name = matches!(self.path.attribute.name.as_str(), "userName" | "externalId" | "emails" | "value");
        let is_address = |text: &str| text.split_once('@').is_some_and(|(local, _)| local.contains(' '));
        match &self.operand {
            Operand::Text { written, .. } if is_name && self.operator == Operator::Eq && is_address(written) => {
                let written = written.replace(' ', "+");
                let comparison_key = comparison_key(self.path.leaf(), &written).into_owned();
                Some(Comparison { operand: Operand::Text { written, comparison_key }, ..self.clone() })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Or(terms) => write_joined(f, terms, " or ", |_| false),
            Filter::And(terms) => write_joined(f, terms, " and ", |term| matches!(term, Filter::Or(_))),
            Filter::Not(term) => write!(f, "not ({term})"),
            Filter::Present(path) => write!(f, "{path} pr"),
            Filter::Compare(comparison) => write!(f, "{comparison}"),
            Filter::Element { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn write_joined(
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
