//! Applies one operation to a resource (RFC 7644 §3.5.2.1 to §3.5.2.3).

use schema::{Attribute, Dialect, Leniency, Mutability, Object, read_value, single_value};
use serde_json::Value;

use super::identity::Removal;
use super::object::put;
use super::operation::{AttributeOperation, Op};
use super::{element, identity};
use crate::Error;
use crate::limits::PATCH_VALUES;
use crate::work::{Work, weight};

impl AttributeOperation {
    pub(super) fn apply(&self, resource: &mut Object, dialect: &Dialect, work: &Work) -> Result<(), Error> {
        let Some(schema) = self.path.extension else { return self.apply_in(resource, dialect, work) };
        let mut content = match resource.get(&schema.id) {
            Some(Value::Object(content)) => content.clone(),
            _ => Object::new(),
        };
        self.apply_in(&mut content, dialect, work)?;
        put(resource, &schema.id, (!content.is_empty()).then_some(Value::Object(content)));
        Ok(())
    }

    /// Applies the operation to the object that holds its attribute: the resource, or the object of an extension.
    fn apply_in(&self, holder: &mut Object, dialect: &Dialect, work: &Work) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let current = holder.get(&attribute.name);
        if self.op == Op::Remove && attribute.mutability == Mutability::Immutable && current.is_some() {
            return Err(Error::Mutability(format!(
                "{} is immutable and cannot be removed once it is set. Leave it out of the request.",
                attribute.name
            )));
        }
        // Adding an unassigned value removes nothing (§3.5.2.1).
        match self.value() {
            Value::Null if self.op == Op::Add => return Ok(()),
            Value::String(text) if self.op == Op::Add && text.is_empty() && dialect.is_lenient() => {
                return Ok(dialect.tolerate(Leniency::EmptyStrings, &self.text)?);
            }
            _ => {}
        }
        let after = self.value_after(current, dialect, work)?;
        put(holder, &attribute.name, after);
        Ok(())
    }

    /// The value of the attribute after the operation; `None` if it is unassigned.
    fn value_after(&self, current: Option<&Value>, dialect: &Dialect, work: &Work) -> Result<Option<Value>, Error> {
        let attribute = self.path.attribute;
        if attribute.multi_valued {
            let mut elements = match current {
                Some(Value::Array(elements)) => elements.clone(),
                _ => Vec::new(),
            };
            work.spend(weight(&elements))?;
            self.apply_to_elements(&mut elements, dialect, work)?;
            Ok((!elements.is_empty()).then_some(Value::Array(elements)))
        } else if !self.selects_single_value(current, dialect, work)? {
            Ok(current.cloned())
        } else if attribute.is_complex() {
            let mut object = current.and_then(Value::as_object).cloned().unwrap_or_default();
            self.apply_to_complex(&mut object, dialect)?;
            Ok((!object.is_empty()).then_some(Value::Object(object)))
        } else if self.op == Op::Remove {
            self.remaining_after_remove(attribute, current, dialect)
        } else {
            let read = read_value(attribute, &self.text, self.value(), dialect)?;
            Ok(self.assigned_value(current, read))
        }
    }

    /// The value to assign: `add` of an unassigned value keeps the current value (§3.5.2.1).
    pub(super) fn assigned_value(&self, current: Option<&Value>, read: Option<Value>) -> Option<Value> {
        if read.is_none() && self.op == Op::Add { current.cloned() } else { read }
    }

    /// Whether the operation applies to the value of a single-valued attribute. A path with a filter is only accepted
    /// to remove the value that matches it: Entra ID removes a manager with `manager[value eq "…"]`.
    fn selects_single_value(&self, current: Option<&Value>, dialect: &Dialect, work: &Work) -> Result<bool, Error> {
        let Some(filter) = &self.filter else { return Ok(true) };
        if self.op != Op::Remove {
            return Err(Error::InvalidPath(format!(
                "`{}` has a filter, but {} is single-valued. Send the path without the filter.",
                self.text, self.path
            )));
        }
        dialect.tolerate(Leniency::FiltersOnSingleValues, &self.text)?;
        work.spend(filter.comparisons() * weight(current.map(std::slice::from_ref).unwrap_or_default()))?;
        Ok(current.and_then(Value::as_object).is_some_and(|current| filter.matches(current)))
    }

    /// Applies the operation to a single-valued complex attribute. Sub-attributes that are not mentioned stay
    /// (§3.5.2.3).
    fn apply_to_complex(&self, object: &mut Object, dialect: &Dialect) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let before = object.get("value").cloned();
        let mut sets_reference = false;
        match (self.op, self.sub) {
            (Op::Remove, None) => {
                let whole = Value::Object(std::mem::take(object));
                if let Some(Value::Object(remaining)) = self.remaining_after_remove(attribute, Some(&whole), dialect)? {
                    *object = remaining;
                }
            }
            (Op::Remove, Some(sub)) => {
                let remaining = self.remaining_after_remove(sub, object.get(&sub.name), dialect)?;
                put(object, &sub.name, remaining);
            }
            (_, Some(sub)) => {
                let read = read_value(sub, &self.text, self.value(), dialect)?;
                let value = self.assigned_value(object.get(&sub.name), read);
                put(object, &sub.name, value);
            }
            (_, None) => sets_reference = self.merge_into(object, dialect)?,
        }
        let after = object.get("value");
        if before.is_some() && after.is_none() && dialect.is_lenient() {
            // Entra ID removes a manager with {"value": ""}. The remaining sub-attributes identify no manager.
            object.clear();
        } else if before.is_some() && before.as_ref() != after && !sets_reference {
            // `$ref` is the URI of the former value.
            put(object, "$ref", None);
        }
        Ok(())
    }

    /// Merges the value into a complex attribute, and returns whether it sets `$ref`.
    fn merge_into(&self, object: &mut Object, dialect: &Dialect) -> Result<bool, Error> {
        let attribute = self.path.attribute;
        let value = single_value(attribute, &self.text, self.value(), dialect)?;
        let read = read_value(attribute, &self.text, &value, dialect)?;
        if read.is_none() && (!value.is_object() || self.op == Op::Add) {
            if self.op == Op::Replace {
                object.clear();
            }
            return Ok(false);
        }
        let read = read.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        let sets_reference = read.contains_key("$ref");
        if self.op == Op::Replace && dialect.is_interop() {
            // "The Service Provider MUST replace the entire complex attribute with the provided object."
            object.clear();
        } else if self.op == Op::Replace {
            for sub in unassigned_sub_attributes(attribute, &value, &read) {
                put(object, &sub.name, None);
            }
        }
        object.extend(read);
        Ok(sets_reference)
    }

    /// The value that remains after a `remove`: all of it, if the operation has a value that identifies another
    /// value.
    fn remaining_after_remove(
        &self,
        attribute: &Attribute,
        current: Option<&Value>,
        dialect: &Dialect,
    ) -> Result<Option<Value>, Error> {
        let removal = self.removal(attribute, dialect)?;
        Ok(current.filter(|current| !removal.identifies(attribute, current)).cloned())
    }

    /// The values of an attribute that a `remove` removes; all of them, if the operation has no value.
    pub(super) fn removal(&self, attribute: &Attribute, dialect: &Dialect) -> Result<Removal, Error> {
        let given = match read_value(attribute, &self.text, self.value(), dialect)? {
            None if self.is_ambiguous_removal() => return Err(self.nothing_to_remove()),
            None => return Ok(Removal::All),
            Some(Value::Array(given)) => given,
            Some(single) => vec![single],
        };
        Removal::read(attribute, &self.text, &given)
    }

    /// Whether an unassigned value of a `remove` could mean all elements that the path selects, or none. Only null
    /// means that the operation has no value.
    fn is_ambiguous_removal(&self) -> bool {
        self.path.attribute.multi_valued && !self.value().is_null()
    }

    fn nothing_to_remove(&self) -> Error {
        Error::InvalidValue(format!(
            "{}: the value does not identify what to remove. Send the value, or no value to remove all that the path \
             selects.",
            self.text
        ))
    }

    fn apply_to_elements(&self, elements: &mut Vec<Value>, dialect: &Dialect, work: &Work) -> Result<(), Error> {
        match (&self.filter, self.sub) {
            (Some(filter), _) => element::apply_to_matching(self, filter, elements, dialect, work),
            (None, Some(sub)) => element::apply_to_only(self, sub, elements, dialect, work),
            (None, None) => self.apply_to_list(elements, dialect, work),
        }
    }

    fn apply_to_list(&self, elements: &mut Vec<Value>, dialect: &Dialect, work: &Work) -> Result<(), Error> {
        let attribute = self.path.attribute;
        let given = match read_value(attribute, &self.text, &self.values(), dialect)? {
            Some(Value::Array(given)) => given,
            _ => Vec::new(),
        };
        match self.op {
            Op::Replace => *elements = given,
            Op::Add if elements.len() + given.len() > PATCH_VALUES => {
                return Err(Error::PayloadTooLarge(format!(
                    "{} would have more than {PATCH_VALUES} values. A PATCH can add values only up to that number. \
                     Remove values first, or send all values with PUT.",
                    self.path
                )));
            }
            Op::Add => identity::add(attribute, elements, given),
            Op::Remove if self.value().is_null() => elements.clear(),
            Op::Remove if given.is_empty() && self.value() != &Value::Array(Vec::new()) => {
                return Err(self.nothing_to_remove());
            }
            // An empty list of values removes nothing.
            Op::Remove => Removal::read(attribute, &self.text, &given)?.apply(attribute, elements, work)?,
        }
        Ok(())
    }
}

/// The sub-attributes that a value sets to null or `""`.
fn unassigned_sub_attributes<'a>(
    attribute: &'a Attribute,
    value: &'a Value,
    read: &'a Object,
) -> impl Iterator<Item = &'a Attribute> {
    let names = value.as_object().into_iter().flat_map(Object::keys);
    let writable = |sub: &&Attribute| sub.mutability != Mutability::ReadOnly;
    let known = names.filter_map(|name| attribute.sub_attribute(name)).filter(writable);
    known.filter(|sub| !read.contains_key(&sub.name))
}
