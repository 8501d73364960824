//! Steps on elements of a multi-valued attribute: those that a filter selects, and those that a value means.

use schema::{Attribute, Dialect, Leniency, Object, Returned, read_element, read_value};
use serde_json::Value;

use super::apply::put;
use super::{Op, Step};
use crate::compare::comparison_key;
use crate::filter::{Filter, Operand, Operator};
use crate::{Comparison, Error};

/// `emails[type eq "work"]…` (RFC 7644 §3.5.2.2, §3.5.2.3).
pub(super) fn apply_to_matching(
    step: &Step,
    filter: &Filter,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
) -> Result<(), Error> {
    if elements.iter().filter_map(Value::as_object).any(|element| filter.matches(element)) {
        rewrite(step, elements, |element| filter.matches(element), dialect)
    } else {
        add_matching(step, filter, elements, dialect)
    }
}

/// Does the step to each element that is meant. Of those that it makes primary the last one stands, and no other does
/// (RFC 7644 §3.5.2).
fn rewrite(
    step: &Step,
    elements: &mut Vec<Value>,
    is_meant: impl Fn(&Object) -> bool,
    dialect: &Dialect,
) -> Result<(), Error> {
    let mut primary = None;
    let mut kept = Vec::with_capacity(elements.len());
    for element in elements.drain(..) {
        match element {
            Value::Object(object) if is_meant(&object) => {
                let Some(object) = apply_to_element(step, object, dialect)? else { continue };
                if is_primary(&object) && primary.replace(kept.len()).is_some() {
                    dialect.tolerate(Leniency::SeveralPrimaries, step.place())?;
                }
                kept.push(Value::Object(object));
            }
            other => kept.push(other),
        }
    }
    *elements = kept;
    keep_primary(elements, primary);
    Ok(())
}

/// No element matches. What is made then has to: `emails[value eq "a"].value` does not make a "b". Entra sets `emails[type eq "work"].value` of a user who has no such e-mail, and means one to be
/// made (IdPs by the dozen follow); for all else it is `noTarget`.
fn add_matching(step: &Step, filter: &Filter, elements: &mut Vec<Value>, dialect: &Dialect) -> Result<(), Error> {
    let makes = step.op == Op::Add || (step.op == Op::Replace && step.sub.is_some());
    let unassigns = |sub| Ok::<_, Error>(read_value(sub, &step.place(), step.value(), dialect)?.is_none());
    let nothing = makes && step.sub.map_or(Ok(false), unassigns)?;
    let seed = if makes { element_of(filter) } else { None };
    let none = || Error::NoTarget(format!("No value of {} matches the path `{}`.", step.path, step.place()));
    if nothing {
        // What is not there is unassigned already.
        return Ok(dialect.tolerate(Leniency::ElementsByFilter, step.place())?);
    }
    let adding = Step { op: Op::Add, ..step.clone() };
    let made = apply_to_element(&adding, seed.ok_or_else(none)?, dialect)?;
    let made = made.filter(|made| filter.matches(made)).ok_or_else(none)?;
    dialect.tolerate(Leniency::ElementsByFilter, step.place())?;
    add(step.path.attribute, elements, Value::Object(made));
    Ok(())
}

/// The element that a conjunction of `attribute eq literal` describes.
fn element_of(filter: &Filter) -> Option<Object> {
    let single = |comparison: &Comparison| {
        let value = match &comparison.operand {
            _ if comparison.operator != Operator::Eq => return None,
            Operand::Text { written, .. } | Operand::DateTime { written, .. } => Value::from(written.as_str()),
            Operand::Boolean(value) => Value::Bool(*value),
            Operand::Number(value) => Value::Number(value.clone()),
        };
        Some((comparison.path.attribute.name.clone(), value))
    };
    match filter {
        Filter::Compare(comparison) => single(comparison).map(|pair| Object::from_iter([pair])),
        Filter::And(terms) => terms.iter().map(element_of).try_fold(Object::new(), |mut element, term| {
            element.extend(term?);
            Some(element)
        }),
        _ => None,
    }
}

/// What a step makes of one element; `None` if nothing is left of it.
fn apply_to_element(step: &Step, mut element: Object, dialect: &Dialect) -> Result<Option<Object>, Error> {
    let had_value = element.contains_key("value");
    match (step.op, step.sub) {
        (Op::Remove, None) => {
            let left = step.left_of(step.path.attribute, Some(&Value::Object(element)), dialect)?;
            return Ok(left.and_then(|left| left.as_object().cloned()));
        }
        (Op::Remove, Some(sub)) => {
            let left = step.left_of(sub, element.get(&sub.name), dialect)?;
            put(&mut element, &sub.name, left);
        }
        (_, Some(sub)) => put(&mut element, &sub.name, read_value(sub, &step.place(), step.value(), dialect)?),
        (op, None) => {
            let given = read_element(step.path.attribute, &step.place(), step.value(), dialect)?;
            if op == Op::Replace {
                element.clear();
            }
            element.extend(given.as_ref().and_then(Value::as_object).cloned().unwrap_or_default());
        }
    }
    // An element whose value is taken away: what is left says what kind of value it would be, and no more.
    let named = |name: &String| name.eq_ignore_ascii_case("value");
    let takes =
        step.sub.is_some_and(|sub| named(&sub.name)) || step.value().as_object().is_some_and(|it| it.keys().any(named));
    let qualifies = |name: &String| matches!(name.as_str(), "type" | "primary" | "display" | "$ref");
    let hollow = takes && had_value && !element.contains_key("value") && element.keys().all(qualifies);
    Ok((!element.is_empty() && !hollow).then_some(element))
}

/// `emails.value` without a filter: it says which value only where there is one.
pub(super) fn apply_to_only(
    step: &Step,
    sub: &Attribute,
    elements: &mut Vec<Value>,
    dialect: &Dialect,
) -> Result<(), Error> {
    if elements.len() > 1 && step.op != Op::Remove {
        let name = &step.path.attribute.name;
        return Err(Error::InvalidPath(format!(
            "`{}` does not say which of the {} values of {name} is meant; add a filter such as {name}[type eq \"work\"].{}.",
            step.place(),
            elements.len(),
            sub.name
        )));
    }
    if elements.is_empty() && step.op != Op::Remove {
        elements.push(Value::Object(Object::new()));
    }
    rewrite(step, elements, |_| true, dialect)
}

/// Adds an element. One that is there already (the same `value` and `type`, RFC 7643 §2.4) is brought up to date in its place.
pub(super) fn add(attribute: &Attribute, elements: &mut Vec<Value>, given: Value) {
    let Value::Object(given) = given else {
        if !elements.iter().any(|element| same(attribute, element, &given)) {
            elements.push(given);
        }
        return;
    };
    let same = |element: &Value| element.as_object().is_some_and(|element| is_same(attribute, element, &given));
    let at = elements.iter().position(same);
    match at.and_then(|at| elements.get(at)).and_then(Value::as_object).cloned().zip(at) {
        Some((mut element, at)) => {
            element.extend(given);
            set(elements, at, element);
        }
        None => {
            let end = elements.len();
            elements.push(Value::Null);
            set(elements, end, given);
        }
    }
}

/// Puts an element in its place; if it is primary now, no other one is (RFC 7644 §3.5.2).
fn set(elements: &mut [Value], at: usize, element: Object) {
    let primary = is_primary(&element).then_some(at);
    if let Some(place) = elements.get_mut(at) {
        *place = Value::Object(element);
    }
    keep_primary(elements, primary);
}

/// Demotes every element but the one at `primary`, if there is one.
fn keep_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    let others = elements.iter_mut().enumerate().filter(|(at, _)| *at != primary);
    for demoted in others.filter_map(|(_, element)| element.get_mut("primary")) {
        *demoted = Value::Bool(false);
    }
}

fn is_primary(element: &Object) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

fn is_same(attribute: &Attribute, element: &Object, given: &Object) -> bool {
    if !element.contains_key("value") && !given.contains_key("value") {
        return element == given;
    }
    ["value", "type"].iter().all(|name| same_sub(attribute, name, element.get(*name), given.get(*name)))
}

/// By which sub-attributes a value that was sent for removal says what it means: not by `$ref`, which a server adds, and by
/// `display` only where there is no `value`. Never by what is secret: whoever may not read it may not guess it.
pub(super) fn said_of(attribute: &Attribute, place: &str, given: &Value) -> Result<Vec<String>, Error> {
    let names = given.as_object().into_iter().flat_map(Object::keys);
    let mut said_attributes = names.filter_map(|name| attribute.sub_attribute(name)).chain([attribute]);
    if said_attributes.any(|said| said.returned == Returned::Never) {
        return Err(Error::InvalidValue(format!(
            "{place}: what is to be removed is secret and not compared; send no value with it."
        )));
    }
    let Value::Object(given) = given else { return Ok(Vec::new()) };
    let counts = |name: &&String| *name != "$ref" && (*name != "display" || !given.contains_key("value"));
    let said: Vec<String> = given.keys().filter(counts).cloned().collect();
    if said.is_empty() {
        return Err(Error::InvalidValue(format!(
            "{place}: the value to remove does not say which one it is; send its value."
        )));
    }
    Ok(said)
}

/// Whether a value that was sent for removal means an element: all that it says of it is so.
pub(super) fn is_meant(attribute: &Attribute, element: &Value, given: &Value, said: &[String]) -> bool {
    let (Value::Object(element), Value::Object(given)) = (element, given) else {
        return same(attribute, element, given);
    };
    said.iter().all(|name| match name.as_str() {
        "primary" => is_primary(element) == is_primary(given),
        name => same_sub(attribute, name, element.get(name), given.get(name)),
    })
}

fn same_sub(attribute: &Attribute, name: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (attribute.sub_attribute(name), one, other) {
        (Some(sub), Some(one), Some(other)) => same(sub, one, other),
        (_, one, other) => one == other,
    }
}

fn same(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            comparison_key(attribute, one) == comparison_key(attribute, other)
        }
        (one, other) => one == other,
    }
}
