//! What filters mean (RFC 7644 §3.4.2.2).

use std::cmp::Ordering;

use serde_json::Value;

use super::attributes::{Attribute, DataType, ENTERPRISE, Kind, Mutability, Place};
use super::date_time::nanoseconds;
use super::expected_error::ExpectedError;
use super::location::{Location, locate};
use super::syntax::{self, Expression, Operator};

/// A filter of a list.
#[derive(Debug, Clone)]
pub struct Filter {
    expression: Expression,
}

impl Filter {
    /// Reads the filter of a query that finds resources of these kinds.
    ///
    /// # Errors
    /// If the filter is malformed or has no meaning, with `invalidFilter` (§3.12, Table 9).
    pub fn parse(text: &str, kinds: &[Kind]) -> Result<Self, ExpectedError> {
        let expression = syntax::filter(text).map_err(invalid_filter)?;
        check(&expression, &|name| {
            // Choice: an attribute that none of the types has is an error. One that a type does not have is an
            // attribute without a value there (§3.4.2.1).
            kinds.iter().filter_map(|kind| locate(*kind, name)).map(|it| (it.attribute, it.part)).collect()
        })?;
        Ok(Self { expression })
    }

    /// Whether a resource matches, in the representation that a GET returns.
    pub fn matches(&self, resource: &Value) -> bool {
        let kind = if resource["meta"]["resourceType"] == "User" { Kind::User } else { Kind::Group };
        matches(&self.expression, &Scope::Resource(kind, resource))
    }
}

fn invalid_filter(reason: impl Into<String>) -> ExpectedError {
    ExpectedError::new("invalidFilter", reason)
}

/// Checks the filter between the brackets after `parent`: it is based upon sub-attributes of the parent (Table 5).
pub(super) fn check_inside(filter: &Expression, parent: &'static Attribute) -> Result<(), ExpectedError> {
    check(filter, &|name| parent.part(name).map(|part| (part, None)).into_iter().collect())
}

/// Whether one value of a multi-valued attribute matches the filter between the brackets.
pub(super) fn matches_element(filter: &Expression, parent: &'static Attribute, element: &Value) -> bool {
    matches(filter, &Scope::Element(parent, element))
}

/// An attribute, and its sub-attribute if the name has one.
type AttributePair = (&'static Attribute, Option<&'static Attribute>);

/// Checks names, operators and literals. `lookup` finds the attributes that a name stands for.
fn check(filter: &Expression, lookup: &dyn Fn(&str) -> Vec<AttributePair>) -> Result<(), ExpectedError> {
    let named = |name: &str| {
        let found = lookup(name);
        let is_secret = found.iter().any(|(attribute, _)| attribute.mutability == Mutability::WriteOnly);
        // Choice: §4.1.1 of RFC 7643 lets a service compare passwords; filters cannot use a writeOnly attribute.
        if found.is_empty() || is_secret {
            Err(invalid_filter(format!("{name} cannot be filtered")))
        } else {
            Ok(found)
        }
    };
    match filter {
        Expression::Or(left, right) | Expression::And(left, right) => check(left, lookup).and(check(right, lookup)),
        Expression::Not(inner) => check(inner, lookup),
        Expression::Present(name) => named(name).map(drop),
        Expression::Compare(name, operator, literal) => {
            named(name)?.iter().try_for_each(|found| check_comparison(compared(found)?, *operator, literal))
        }
        Expression::Values(name, inner) => {
            let (attribute, part) = named(name)?[0];
            if part.is_some() || !attribute.is_complex() {
                return Err(invalid_filter(format!("{name} has no sub-attributes")));
            }
            check_inside(inner, attribute)
        }
    }
}

/// The attribute whose values are compared. "For complex attributes, a fully qualified sub-attribute MUST be
/// specified", but the examples of Figure 2 have `emails co "example.com"`.
///
/// Choice: a multi-valued complex attribute is compared by its `value`, and a single-valued one is an error.
fn compared((attribute, part): &AttributePair) -> Result<&'static Attribute, ExpectedError> {
    match part {
        Some(part) => Ok(part),
        None if !attribute.is_complex() => Ok(attribute),
        None if attribute.is_multi_valued => attribute.part("value").ok_or_else(|| invalid_filter("it has no `value`")),
        None => Err(invalid_filter(format!("{} is complex", attribute.name))),
    }
}

/// Choice: a literal of another type is an error, as are orderings of null, and parts of anything but a text.
fn check_comparison(attribute: &Attribute, operator: Operator, literal: &Value) -> Result<(), ExpectedError> {
    let is_equality = matches!(operator, Operator::Eq | Operator::Ne);
    let is_part = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
    let is_fit = match (attribute.data_type, literal) {
        (DataType::Complex, _) => false,
        (_, Value::Null) | (DataType::Boolean, Value::Bool(_)) | (DataType::Binary, Value::String(_)) => is_equality,
        (DataType::Text | DataType::Reference, Value::String(_)) => true,
        (DataType::DateTime, Value::String(text)) => !is_part && nanoseconds(text).is_some(),
        _ => false,
    };
    if is_fit { Ok(()) } else { Err(invalid_filter(format!("{} does not compare so", attribute.name))) }
}

/// The resource or the element to which the names of a filter refer.
enum Scope<'r> {
    Resource(Kind, &'r Value),
    Element(&'static Attribute, &'r Value),
}

const UNASSIGNED: &Value = &Value::Null;

impl<'r> Scope<'r> {
    /// The attribute that a name stands for, and its values; if it has none, the one that is null (RFC 7643 §2.5).
    /// In a comparison, `primary` that an element does not specify is false (RFC 7643 §2.4).
    ///
    /// Choice: such a `primary` is not present.
    fn values(&self, name: &str, is_comparison: bool) -> Option<(Location, Vec<&'r Value>)> {
        let (location, parents) = match self {
            Self::Resource(kind, resource) => {
                let location = locate(*kind, name)?;
                let object = if location.place == Place::Core { resource } else { &resource[ENTERPRISE] };
                (location, list(&object[location.attribute.name]))
            }
            Self::Element(parent, element) => {
                let part = Some(parent.part(name)?);
                (Location { place: Place::Core, attribute: parent, part }, vec![*element])
            }
        };
        let mut values: Vec<&Value> = match location.part {
            Some(part) => parents.into_iter().map(|parent| &parent[part.name]).collect(),
            None => parents,
        };
        if is_comparison && location.part.is_some_and(|part| part.name == "primary") {
            values.iter_mut().filter(|value| value.is_null()).for_each(|value| *value = &Value::Bool(false));
        }
        values.retain(|value| !value.is_null());
        Some((location, if values.is_empty() { vec![UNASSIGNED] } else { values }))
    }
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

fn matches(filter: &Expression, scope: &Scope<'_>) -> bool {
    match filter {
        Expression::Or(left, right) => matches(left, scope) || matches(right, scope),
        Expression::And(left, right) => matches(left, scope) && matches(right, scope),
        Expression::Not(inner) => !matches(inner, scope),
        // "a non-empty or non-null value, or […] a non-empty node for complex attributes" (Table 3).
        Expression::Present(name) => {
            scope.values(name, false).is_some_and(|(_, values)| values.into_iter().any(is_present))
        }
        Expression::Compare(name, operator, literal) => match scope.values(name, true) {
            Some((location, values)) => matches_any(location, &values, *operator, literal),
            // The type of this resource has no such attribute, so it is "as if there is no attribute value"
            // (§3.4.2.1).
            None => is_match(None, UNASSIGNED, *operator, literal),
        },
        Expression::Values(name, inner) => match scope.values(name, false) {
            Some((location, values)) => {
                values.into_iter().any(|value| !value.is_null() && matches_element(inner, location.attribute, value))
            }
            None => false,
        },
    }
}

/// "The filter matches if any of the values of the specified attribute match the specified criterion."
///
/// Choice: null is no value but the state of an attribute that is unassigned (RFC 7643 §2.5), so `eq null` matches an
/// attribute without any value, and `ne null` is `pr`.
fn matches_any(location: Location, values: &[&Value], operator: Operator, literal: &Value) -> bool {
    if literal.is_null() {
        return values.iter().any(|value| is_present(value)) == (operator == Operator::Ne);
    }
    let Ok(attribute) = compared(&(location.attribute, location.part)) else { return false };
    let is_default = location.part.is_none() && location.attribute.is_complex();
    values.iter().any(|value| {
        let value = if is_default { &value["value"] } else { value };
        is_match(Some(attribute), value, operator, literal)
    })
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(parts) => parts.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Compares one value.
///
/// Choice: an unassigned value is not identical to the literal, so that `ne` matches.
fn is_match(attribute: Option<&Attribute>, value: &Value, operator: Operator, literal: &Value) -> bool {
    let is_equal = match (value, literal) {
        (Value::String(value), Value::String(literal)) => {
            return compare_texts(attribute, value, operator, literal);
        }
        (value, literal) => value == literal,
    };
    match operator {
        Operator::Eq => is_equal,
        Operator::Ne => !is_equal,
        _ => false,
    }
}

fn compare_texts(attribute: Option<&Attribute>, value: &str, operator: Operator, literal: &str) -> bool {
    if attribute.is_some_and(|attribute| attribute.data_type == DataType::DateTime) {
        return nanoseconds(value).zip(nanoseconds(literal)).is_some_and(|(a, b)| is_in_order(a.cmp(&b), operator));
    }
    let is_exact = attribute.is_some_and(|attribute| attribute.is_case_exact);
    let fold_case = |text: &str| if is_exact { text.to_owned() } else { text.to_lowercase() };
    let value = fold_case(value);
    let literal = fold_case(literal);
    match operator {
        Operator::Co => value.contains(&literal),
        Operator::Sw => value.starts_with(&literal),
        Operator::Ew => value.ends_with(&literal),
        _ => is_in_order(value.cmp(&literal), operator),
    }
}

fn is_in_order(order: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
