//! Attributes that an update does not change: immutable ones (RFC 7643 §7), and in a PUT those that clients cannot
//! see.

use schema::{Attribute, Mutability, Object, ResourceType, Returned};
use serde_json::Value;

use crate::Error;

/// The method of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    /// PUT: an omitted attribute keeps its value if it is immutable or never returned (RFC 7644 §3.5.1).
    Replace,
    /// PATCH: an attribute that is missing afterwards was removed by an operation.
    Patch,
}

/// Compares a resource before and after an update, and copies the values that the update must not change.
///
/// # Errors
/// [`Error::Mutability`] if the update changes or removes an immutable attribute.
pub fn keep_immutable(
    definition: &ResourceType,
    method: UpdateMethod,
    before: &Object,
    after: &mut Object,
) -> Result<(), Error> {
    keep_attributes(definition.attributes(), method, before, after)?;
    for extension in &definition.extensions {
        let schema = extension.schema;
        if !schema.attributes.iter().any(is_kept) {
            continue;
        }
        let Some(Value::Object(before)) = before.get(&schema.id) else { continue };
        let mut content = match after.get(&schema.id) {
            Some(Value::Object(content)) => content.clone(),
            _ => Object::new(),
        };
        keep_attributes(schema.attributes.iter(), method, before, &mut content)?;
        if !content.is_empty() {
            after.insert(schema.id.clone(), Value::Object(content));
        }
    }
    Ok(())
}

fn keep_attributes<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    method: UpdateMethod,
    before: &Object,
    after: &mut Object,
) -> Result<(), Error> {
    for attribute in attributes.filter(|attribute| is_kept(attribute)) {
        let name = &attribute.name;
        let Some(was) = before.get(name) else { continue };
        let is_immutable = attribute.mutability == Mutability::Immutable;
        match (after.get(name), was) {
            (None, _) if is_immutable && method == UpdateMethod::Patch => {
                return Err(Error::Mutability(format!(
                    "{name} is immutable and cannot be removed once it is set. Leave it out of the request."
                )));
            }
            (None, _) if method == UpdateMethod::Replace && (is_immutable || attribute.returned == Returned::Never) => {
                after.insert(name.clone(), was.clone());
            }
            (Some(is), _) if is_immutable && is != was => {
                return Err(Error::Mutability(format!(
                    "{name} is immutable and cannot be changed once it is set. Send its current value, or leave it out."
                )));
            }
            (is, Value::Object(was)) if attribute.is_complex() => {
                let mut object = is.and_then(Value::as_object).cloned().unwrap_or_default();
                keep_attributes(attribute.sub_attributes.iter(), method, was, &mut object)?;
                if !object.is_empty() {
                    after.insert(name.clone(), Value::Object(object));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an update may have to keep the attribute or one of its sub-attributes.
fn is_kept(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable
        || attribute.returned == Returned::Never
        || attribute.sub_attributes.iter().any(is_kept)
}
