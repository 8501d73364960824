//! Evaluates a filter on a resource (RFC 7644 §3.4.2.2). One matching value of a multi-valued attribute suffices.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use schema::{Attribute, Object};
use serde_json::{Number, Value};

use super::{Comparison, Filter, Operand, Operator};
use crate::path::AttributePath;
use crate::{compare, work};

impl Filter {
    /// Evaluates the filter on a resource, or on an element of a complex attribute.
    pub fn matches(&self, object: &Object) -> bool {
        self.matches_counted(object, &mut 0)
    }

    /// Evaluates the filter, and counts its comparisons with values, long texts by their length.
    pub fn matches_counted(&self, object: &Object, comparisons: &mut usize) -> bool {
        let evaluation = Evaluation::default();
        let matches = self.matches_with(object, &evaluation);
        *comparisons = comparisons.saturating_add(evaluation.comparisons.get());
        matches
    }

    fn matches_with<'o>(&self, object: &'o Object, evaluation: &Evaluation<'o>) -> bool {
        match self {
            Filter::Or(terms) => terms.iter().any(|term| term.matches_with(object, evaluation)),
            Filter::And(terms) => terms.iter().all(|term| term.matches_with(object, evaluation)),
            Filter::Not(term) => !term.matches_with(object, evaluation),
            Filter::Present(path) => {
                evaluation.count(path, object);
                path.values(object).into_iter().any(|value| value.as_str() != Some(""))
            }
            Filter::Compare(comparison) => comparison.matches(object, evaluation),
            Filter::Element { path, filter } => {
                let elements = path.values(object);
                elements
                    .into_iter()
                    .filter_map(Value::as_object)
                    .any(|element| filter.matches_with(element, evaluation))
            }
        }
    }
}

/// The length from which a text is prepared once for all terms of a filter, in bytes. Shorter texts are prepared faster
/// than they are looked up.
const LONG_TEXT_BYTES: usize = 256;

/// The evaluation of a filter on one resource.
#[derive(Default)]
struct Evaluation<'o> {
    comparisons: Cell<usize>,
    /// The comparison keys of long texts, by the attribute and the text.
    keys: RefCell<HashMap<(&'static str, &'o str), Rc<str>>>,
}

impl<'o> Evaluation<'o> {
    /// Counts the comparisons of a term with the values at its path. The elements without a value take time, too.
    fn count(&self, path: &AttributePath, object: &Object) {
        let comparisons = work::weight(path.elements(object)).max(1);
        self.comparisons.set(self.comparisons.get().saturating_add(comparisons));
    }

    /// Calls `check` with the comparison key of a text.
    fn with_key(&self, attribute: &'static Attribute, text: &'o str, check: impl Fn(&str) -> bool) -> bool {
        if text.len() < LONG_TEXT_BYTES {
            return check(&compare::comparison_key(attribute, text));
        }
        let place = (attribute.name.as_str(), text);
        let known = self.keys.borrow().get(&place).cloned();
        let key = known.unwrap_or_else(|| {
            let key: Rc<str> = Rc::from(compare::comparison_key(attribute, text));
            self.keys.borrow_mut().insert(place, Rc::clone(&key));
            key
        });
        check(&key)
    }
}

impl Comparison {
    /// `ne` also matches a resource without a value; every other operator needs a value.
    fn matches<'o>(&self, object: &'o Object, evaluation: &Evaluation<'o>) -> bool {
        let mut values = self.path.values(object);
        values.extend(self.implicit_primary(object));
        evaluation.count(&self.path, object);
        match self.operator {
            Operator::Ne => {
                values.is_empty() || values.into_iter().any(|value| !self.holds(Operator::Eq, value, evaluation))
            }
            operator => values.into_iter().any(|value| self.holds(operator, value, evaluation)),
        }
    }

    /// A `false` for each element without `primary`, because such an element is not primary (RFC 7643 §2.4).
    fn implicit_primary<'o>(&self, object: &'o Object) -> Vec<&'o Value> {
        let path = self.path;
        let has_primary = |element: &Value| element.get("primary").is_some();
        let count = match path.sub {
            Some(sub) if sub.name == "primary" => {
                let elements = AttributePath { sub: None, ..path };
                elements.values(object).into_iter().filter(|element| !has_primary(element)).count()
            }
            None if path.extension.is_none() && path.attribute.name == "primary" => {
                usize::from(!object.contains_key("primary"))
            }
            _ => 0,
        };
        vec![&Value::Bool(false); count]
    }

    fn holds<'o>(&self, operator: Operator, value: &'o Value, evaluation: &Evaluation<'o>) -> bool {
        match (&self.operand, value) {
            (Operand::Boolean(expected), Value::Bool(value)) => operator == Operator::Eq && expected == value,
            (Operand::Number(operand), Value::Number(value)) => ordered(operator, compare_numbers(value, operand)),
            (Operand::DateTime { written, instant }, Value::String(text)) => {
                if operator.is_substring() {
                    return text_holds(operator, text, written);
                }
                ordered(operator, schema::date_time(text).map(|value| value.cmp(instant)))
            }
            (Operand::Text { comparison_key, .. }, Value::String(text)) => {
                let leaf = self.path.leaf();
                // Version 0.1.0 stored roles as objects in strings.
                match schema::value_in_json(text).filter(|_| leaf.name == "value") {
                    Some(inner) => text_holds(operator, &compare::comparison_key(leaf, &inner), comparison_key),
                    None => evaluation.with_key(leaf, text, |key| text_holds(operator, key, comparison_key)),
                }
            }
            _ => false,
        }
    }
}

fn text_holds(operator: Operator, value: &str, operand: &str) -> bool {
    match operator {
        Operator::Co => value.contains(operand),
        Operator::Sw => value.starts_with(operand),
        Operator::Ew => value.ends_with(operand),
        _ => ordered(operator, Some(value.cmp(operand))),
    }
}

fn ordered(operator: Operator, ordering: Option<Ordering>) -> bool {
    ordering.is_some_and(|ordering| match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    })
}

/// Compares integers exactly, and all other numbers as floating point.
fn compare_numbers(value: &Number, operand: &Number) -> Option<Ordering> {
    let integer = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (integer(value), integer(operand)) {
        (Some(value), Some(operand)) => Some(value.cmp(&operand)),
        _ => value.as_f64()?.partial_cmp(&operand.as_f64()?),
    }
}
