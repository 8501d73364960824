//! Which elements of a multi-valued attribute a value in a request refers to: elements that are equal for `add`,
//! and elements that a value sent with `remove` identifies.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use schema::{Attribute, Object, Returned};
use serde_json::{Value, json};

use super::primary::{is_primary, keep_primary};
use crate::Error;
use crate::compare::comparison_key;
use crate::work::{Work, weight};

/// Adds elements. One that has the same `value` and `type` as another (RFC 7643 §2.4) updates it in its place.
pub(super) fn add(attribute: &Attribute, elements: &mut Vec<Value>, given: Vec<Value>) {
    let mut places: HashMap<ElementKey<'static>, usize> = HashMap::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        places.entry(owned(element_key(attribute, element))).or_insert(at);
    }
    for given in given {
        let end = elements.len();
        let at = *places.entry(owned(element_key(attribute, &given))).or_insert(end);
        match (elements.get(at).and_then(Value::as_object), given) {
            (Some(element), Value::Object(given)) => {
                let mut element = element.clone();
                element.extend(given);
                set_element(elements, at, element);
            }
            (None, Value::Object(given)) => {
                elements.push(Value::Null);
                set_element(elements, at, given);
            }
            (None, given) if at == end => elements.push(given),
            _ => {}
        }
    }
}

/// Merges each selected element with the others that have the same `value` and `type` (RFC 7643 §2.4) into the first of
/// them. The selected one wins, and the result is selected, and primary if one of them was.
pub(super) fn merge_selected(attribute: &Attribute, elements: &mut Vec<Value>, selected: &mut Vec<bool>) {
    let mut is_gone = vec![false; elements.len()];
    for places in equal_elements(attribute, elements) {
        let is_selected = |at: &usize| selected.get(*at) == Some(&true);
        let Some((first, rest)) = places.split_first().filter(|_| places.iter().any(is_selected)) else { continue };
        let mut merged = Object::new();
        for at in places.iter().filter(|at| !is_selected(at)).chain(places.iter().filter(|at| is_selected(at))) {
            let object = elements.get(*at).and_then(Value::as_object).cloned().unwrap_or_default();
            let was_primary = is_primary(&merged);
            merged.extend(object);
            if was_primary {
                merged.insert("primary".to_owned(), Value::Bool(true));
            }
        }
        if let Some(place) = elements.get_mut(*first) {
            *place = Value::Object(merged);
        }
        selected.get_mut(*first).into_iter().for_each(|selected| *selected = true);
        rest.iter().for_each(|at| is_gone.get_mut(*at).into_iter().for_each(|gone| *gone = true));
    }
    let mut gone = is_gone.iter();
    elements.retain(|_| gone.next() != Some(&true));
    let mut gone = is_gone.iter();
    selected.retain(|_| gone.next() != Some(&true));
}

/// The places of the elements that are the same, for each that occurs more than once.
fn equal_elements(attribute: &Attribute, elements: &[Value]) -> Vec<Vec<usize>> {
    if elements.len() < 2 {
        return Vec::new();
    }
    let mut places: HashMap<ElementKey<'_>, Vec<usize>> = HashMap::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        places.entry(element_key(attribute, element)).or_default().push(at);
    }
    places.into_values().filter(|places| places.len() > 1).collect()
}

/// The values that a `remove` removes.
pub(super) enum Removal {
    /// All values that the path selects.
    All,
    /// The values that one of the sent values identifies: their keys, by the identifying sub-attributes.
    Values(BTreeMap<Vec<String>, HashSet<ElementKey<'static>>>),
}

impl Removal {
    /// Reads the values of a `remove`. They are prepared once, and not for each element.
    ///
    /// # Errors
    /// The errors of [`identifying_sub_attributes`].
    pub(super) fn read(attribute: &Attribute, path: &str, given: &[Value]) -> Result<Self, Error> {
        let mut keys: BTreeMap<Vec<String>, HashSet<ElementKey<'static>>> = BTreeMap::new();
        for given in given {
            let identifying = identifying_sub_attributes(attribute, path, given)?;
            let key = owned(key_of(attribute, given, &identifying));
            keys.entry(identifying).or_default().insert(key);
        }
        Ok(Self::Values(keys))
    }

    /// Whether a value is removed.
    pub(super) fn identifies(&self, attribute: &Attribute, value: &Value) -> bool {
        match self {
            Self::All => true,
            Self::Values(keys) => {
                let has = |keys: &HashSet<ElementKey<'_>>, key: &ElementKey<'_>| keys.contains(key);
                keys.iter().any(|(identifying, keys)| has(keys, &key_of(attribute, value, identifying)))
            }
        }
    }

    /// The number of comparisons with each value.
    pub(super) fn comparisons(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Values(keys) => keys.len(),
        }
    }

    /// Removes the elements that it identifies.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] for too many comparisons.
    pub(super) fn apply(self, attribute: &Attribute, elements: &mut Vec<Value>, work: &Work) -> Result<(), Error> {
        work.spend(self.comparisons() * weight(elements))?;
        let removal = self.for_elements(attribute, elements.iter());
        elements.retain(|element| !removal.identifies(attribute, element));
        Ok(())
    }

    /// The removal from these elements. A value with `primary` that none of them has is identified without it: another
    /// request may have made another element primary.
    pub(super) fn for_elements<'v>(
        self,
        attribute: &Attribute,
        elements: impl Iterator<Item = &'v Value> + Clone,
    ) -> Self {
        let Self::Values(all) = self else { return self };
        let mut values: BTreeMap<Vec<String>, HashSet<ElementKey<'static>>> = BTreeMap::new();
        for (mut identifying, keys) in all {
            let primary = identifying.iter().position(|name| name == "primary");
            let Some(at) = primary.filter(|_| identifying.iter().any(|name| name == "value")) else {
                values.entry(identifying).or_default().extend(keys);
                continue;
            };
            let present: HashSet<ElementKey<'_>> =
                elements.clone().map(|element| key_of(attribute, element, &identifying)).collect();
            let (exact, other): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| present.contains(key));
            values.entry(identifying.clone()).or_default().extend(exact);
            identifying.remove(at);
            let without = other.into_iter().map(|mut key| {
                key.remove(at);
                key
            });
            values.entry(identifying).or_default().extend(without);
        }
        Self::Values(values)
    }
}

/// Writes an element; if it is primary, demotes all others (RFC 7644 §3.5.2).
fn set_element(elements: &mut [Value], at: usize, element: Object) {
    let primary = is_primary(&element).then_some(at);
    if let Some(place) = elements.get_mut(at) {
        *place = Value::Object(element);
    }
    keep_primary(elements, primary);
}

/// What two values share if they are the same: the values that identify them, `None` for one that is absent.
type ElementKey<'v> = Vec<Option<ComparableValue<'v>>>;

/// A value in the form in which it is compared.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum ComparableValue<'v> {
    Text(Cow<'v, str>),
    Boolean(bool),
    /// Any other value, as JSON.
    Json(String),
}

fn owned(key: ElementKey<'_>) -> ElementKey<'static> {
    let owned = |value| match value {
        ComparableValue::Text(text) => ComparableValue::Text(Cow::Owned(text.into_owned())),
        ComparableValue::Boolean(value) => ComparableValue::Boolean(value),
        ComparableValue::Json(json) => ComparableValue::Json(json),
    };
    key.into_iter().map(|value| value.map(owned)).collect()
}

/// The key of an element: its `value` and `type`, or all of it if it has no `value`.
fn element_key<'v>(attribute: &Attribute, element: &'v Value) -> ElementKey<'v> {
    match element {
        Value::Object(object) if !object.contains_key("value") => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            vec![Some(ComparableValue::Json(json!(sorted).to_string()))]
        }
        element => key_of(attribute, element, &["value", "type"]),
    }
}

/// The values of the sub-attributes that identify a value, or the value itself if it is not complex.
fn key_of<'v>(attribute: &Attribute, value: &'v Value, identifying: &[impl AsRef<str>]) -> ElementKey<'v> {
    let Value::Object(object) = value else { return vec![Some(comparable(attribute, value))] };
    let parts = identifying.iter().map(|name| match name.as_ref() {
        "primary" => Some(ComparableValue::Boolean(is_primary(object))),
        name => {
            let value = object.get(name)?;
            Some(attribute.sub_attribute(name).map_or_else(|| as_it_is(value), |sub| comparable(sub, value)))
        }
    });
    parts.collect()
}

fn comparable<'v>(attribute: &Attribute, value: &'v Value) -> ComparableValue<'v> {
    match value {
        Value::String(text) => ComparableValue::Text(comparison_key(attribute, text)),
        other => as_it_is(other),
    }
}

/// A value whose attribute is unknown is compared as it is.
fn as_it_is(value: &Value) -> ComparableValue<'_> {
    match value {
        Value::String(text) => ComparableValue::Text(Cow::Borrowed(text)),
        Value::Bool(value) => ComparableValue::Boolean(*value),
        other => ComparableValue::Json(other.to_string()),
    }
}

/// The sub-attributes that identify the element to remove: not `$ref`, which servers add, and `display` only if
/// there is no `value`.
///
/// # Errors
/// [`Error::InvalidValue`] for a secret attribute, which must not be probed by values, and for a value that
/// identifies no element.
pub(super) fn identifying_sub_attributes(
    attribute: &Attribute,
    path: &str,
    given: &Value,
) -> Result<Vec<String>, Error> {
    let names = given.as_object().into_iter().flat_map(Object::keys);
    let mut sent_attributes = names.filter_map(|name| attribute.sub_attribute(name)).chain([attribute]);
    if sent_attributes.any(|sent| sent.returned == Returned::Never) {
        return Err(Error::InvalidValue(format!(
            "{path}: this attribute is never returned, so it cannot be matched by value. Remove it without a value."
        )));
    }
    let Value::Object(given) = given else { return Ok(Vec::new()) };
    let identifies = |name: &&String| *name != "$ref" && (*name != "display" || !given.contains_key("value"));
    let identifying: Vec<String> = given.keys().filter(identifies).cloned().collect();
    if identifying.is_empty() {
        return Err(Error::InvalidValue(format!(
            "{path}: the value to remove does not identify an element. Send its `value`."
        )));
    }
    Ok(identifying)
}
