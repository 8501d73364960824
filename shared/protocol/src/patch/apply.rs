//! One step on a resource (RFC 7644 §3.5.2.1 to §3.5.2.3).

use schema::{Attribute, Dialect, Leniency, Mutability, Object, read_value};
use serde_json::Value;

use super::{Op, Step, element};
use crate::Error;

/// The most values that PATCH adds to an attribute, those that are there included.
const MAX_VALUES: usize = 1000;

impl Step {
    pub(super) fn apply(&self, resource: &mut Object, dialect: &Dialect) -> Result<(), Error> {
        let Some(schema) = self.path.extension else { return self.apply_in(resource, dialect) };
        let mut content = match resource.get(&schema.id) {
            Some(Value::Object(content)) => content.clone(),
            _ => Object::new(),
        };
        self.apply_in(&mut content, dialect)?;
        put(resource, &schema.id, (!content.is_empty()).then_some(Value::Object(content)));
        Ok(())
    }

    /// Applies the step where its attribute stands: in the resource, or in the object of an extension.
    fn apply_in(&self, holder: &mut Object, dialect: &Dialect) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let current = holder.get(&attribute.name);
        if self.op == Op::Remove && attribute.mutability == Mutability::Immutable && current.is_some() {
            return Err(Error::Mutability(format!("{} cannot be removed once it is set.", attribute.name)));
        }
        // To add nothing takes nothing away (§3.5.2.1).
        match self.value() {
            Value::Null if self.op == Op::Add => return Ok(()),
            Value::String(text) if self.op == Op::Add && text.is_empty() => {
                return Ok(dialect.tolerate(Leniency::EmptyStrings, self.place())?);
            }
            _ => {}
        }
        let after = if attribute.multi_valued {
            let mut elements = match current {
                Some(Value::Array(elements)) => elements.clone(),
                _ => Vec::new(),
            };
            self.apply_to_elements(&mut elements, dialect)?;
            (!elements.is_empty()).then_some(Value::Array(elements))
        } else if self.filter.is_some() {
            let place = self.place();
            let detail =
                format!("`{place}` has a filter, but {} has a single value; send the path without.", self.path);
            return Err(Error::InvalidPath(detail));
        } else if attribute.is_complex() {
            let mut object = current.and_then(Value::as_object).cloned().unwrap_or_default();
            self.apply_to_complex(&mut object, dialect)?;
            (!object.is_empty()).then_some(Value::Object(object))
        } else if self.op == Op::Remove {
            self.left_of(attribute, current, dialect)?
        } else {
            read_value(attribute, &self.place(), self.value(), dialect)?
        };
        put(holder, &attribute.name, after);
        Ok(())
    }

    /// A complex attribute with one value: what is not mentioned stays (§3.5.2.3).
    fn apply_to_complex(&self, object: &mut Object, dialect: &Dialect) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let before = object.get("value").cloned();
        let mut refers = false;
        match (self.op, self.sub) {
            (Op::Remove, None) => {
                let whole = Value::Object(std::mem::take(object));
                if let Some(Value::Object(left)) = self.left_of(attribute, Some(&whole), dialect)? {
                    *object = left;
                }
            }
            (Op::Remove, Some(sub)) => {
                let left = self.left_of(sub, object.get(&sub.name), dialect)?;
                put(object, &sub.name, left);
            }
            (_, Some(sub)) => put(object, &sub.name, read_value(sub, &self.place(), self.value(), dialect)?),
            (_, None) => match read_value(attribute, &self.place(), self.value(), dialect)? {
                // null, and an object of nothing that is assigned
                None if !self.value().is_object() => object.clear(),
                read => {
                    let read = read.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
                    refers = read.contains_key("$ref");
                    for sub in cleared(attribute, self.value(), &read).filter(|_| self.op == Op::Replace) {
                        put(object, &sub.name, None);
                    }
                    object.extend(read);
                }
            },
        }
        let after = object.get("value");
        if before.is_some() && after.is_none() {
            // Entra takes a manager away with {"value": ""}: what is left names nobody.
            object.clear();
        } else if before.is_some() && before.as_ref() != after && !refers {
            put(object, "$ref", None);
        }
        Ok(())
    }

    /// What a removal leaves of a value: all of it, if the operation has a value and that is another.
    pub(super) fn left_of(
        &self,
        attribute: &Attribute,
        current: Option<&Value>,
        dialect: &Dialect,
    ) -> Result<Option<Value>, Error> {
        let Some(current) = current else { return Ok(None) };
        let given = match read_value(attribute, &self.place(), self.value(), dialect)? {
            None => return Ok(None),
            Some(Value::Array(given)) => given,
            Some(single) => vec![single],
        };
        for given in &given {
            if element::is_meant(attribute, current, given, &element::said_of(attribute, &self.place(), given)?) {
                return Ok(None);
            }
        }
        Ok(Some(current.clone()))
    }

    fn apply_to_elements(&self, elements: &mut Vec<Value>, dialect: &Dialect) -> Result<(), Error> {
        match (&self.filter, self.sub) {
            (Some(filter), _) => element::apply_to_matching(self, filter, elements, dialect),
            (None, Some(sub)) => element::apply_to_only(self, sub, elements, dialect),
            (None, None) => self.apply_to_list(elements, dialect),
        }
    }

    fn apply_to_list(&self, elements: &mut Vec<Value>, dialect: &Dialect) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let given = match read_value(attribute, &self.place(), &self.values(), dialect)? {
            Some(Value::Array(given)) => given,
            _ => Vec::new(),
        };
        match self.op {
            Op::Replace => *elements = given,
            Op::Add if elements.len() + given.len() > MAX_VALUES => {
                return Err(Error::PayloadTooLarge(format!(
                    "{} would have more than {MAX_VALUES} values; a PATCH can add up to that many.",
                    self.path
                )));
            }
            Op::Add => given.into_iter().for_each(|given| element::add(attribute, elements, given)),
            Op::Remove if self.value().is_null() => elements.clear(),
            // An empty list of those to remove removes nothing.
            Op::Remove => {
                for given in &given {
                    let said = element::said_of(attribute, &self.place(), given)?;
                    elements.retain(|element| !element::is_meant(attribute, element, given, &said));
                }
            }
        }
        Ok(())
    }
}

/// Sub-attributes that a value sets to null or `""`.
fn cleared<'a>(attribute: &'a Attribute, value: &'a Value, read: &'a Object) -> impl Iterator<Item = &'a Attribute> {
    let names = value.as_object().into_iter().flat_map(Object::keys);
    let writable = |sub: &&Attribute| sub.mutability != Mutability::ReadOnly;
    let known = names.filter_map(|name| attribute.sub_attribute(name)).filter(writable);
    known.filter(|sub| !read.contains_key(&sub.name))
}

pub(super) fn put(object: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.shift_remove(name)),
    }
}
