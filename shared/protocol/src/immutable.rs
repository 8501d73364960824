//! What a change leaves as it was: immutable attributes (RFC 7643 §7), and in PUT what no client can see.

use schema::{Attribute, Mutability, Object, ResourceType, Returned};
use serde_json::Value;

use crate::Error;

/// Which request a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    /// PUT: what it does not mention stays as it was, if it may not change or the client could not see it (RFC 7644 §3.5.1).
    Replace,
    /// PATCH: what is gone was taken away.
    Patch,
}

/// Compares what a change makes of a resource with what it was, and carries over what the change leaves alone.
///
/// # Errors
/// [`Error::Mutability`] if an immutable attribute has another value than before.
pub fn keep_immutable(
    definition: &ResourceType,
    change: UpdateMethod,
    before: &Object,
    after: &mut Object,
) -> Result<(), Error> {
    keep(definition.attributes(), change, before, after)?;
    for extension in &definition.extensions {
        let schema = extension.schema;
        let Some(Value::Object(before)) = before.get(&schema.id) else { continue };
        let mut content = match after.get(&schema.id) {
            Some(Value::Object(content)) => content.clone(),
            _ => Object::new(),
        };
        keep(schema.attributes.iter(), change, before, &mut content)?;
        if !content.is_empty() {
            after.insert(schema.id.clone(), Value::Object(content));
        }
    }
    Ok(())
}

fn keep<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    change: UpdateMethod,
    before: &Object,
    after: &mut Object,
) -> Result<(), Error> {
    for attribute in attributes {
        let name = &attribute.name;
        let Some(was) = before.get(name) else { continue };
        let settled = attribute.mutability == Mutability::Immutable;
        match (after.get(name), was) {
            (None, _) if settled && change == UpdateMethod::Patch => {
                return Err(Error::Mutability(format!("{name} cannot be removed once it is set.")));
            }
            (None, _) if change == UpdateMethod::Replace && (settled || attribute.returned == Returned::Never) => {
                after.insert(name.clone(), was.clone());
            }
            (Some(is), _) if settled && is != was => {
                return Err(Error::Mutability(format!("{name} cannot be changed once it is set.")));
            }
            (is, Value::Object(was)) if attribute.is_complex() => {
                let mut object = is.and_then(Value::as_object).cloned().unwrap_or_default();
                keep(attribute.sub_attributes.iter(), change, was, &mut object)?;
                if !object.is_empty() {
                    after.insert(name.clone(), Value::Object(object));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
