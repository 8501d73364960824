//! Immutable attributes (RFC 7643 §7): set once, then kept.

use schema::{Attribute, Mutability, Object, ResourceType};
use serde_json::Value;

use crate::Error;

/// Compares what a change makes of a resource with what it was; an immutable attribute that the change does not mention
/// is carried over.
///
/// # Errors
/// [`Error::Mutability`] if one has another value than before (RFC 7644 §3.5.1).
pub fn keep_immutable(definition: &ResourceType, before: &Object, after: &mut Object) -> Result<(), Error> {
    keep(definition.attributes(), before, after)?;
    for extension in &definition.extensions {
        let schema = extension.schema;
        let Some(Value::Object(before)) = before.get(&schema.id) else { continue };
        let mut content = match after.get(&schema.id) {
            Some(Value::Object(content)) => content.clone(),
            _ => Object::new(),
        };
        keep(schema.attributes.iter(), before, &mut content)?;
        if !content.is_empty() {
            after.insert(schema.id.clone(), Value::Object(content));
        }
    }
    Ok(())
}

fn keep<'a>(attributes: impl Iterator<Item = &'a Attribute>, before: &Object, after: &mut Object) -> Result<(), Error> {
    for attribute in attributes {
        let name = &attribute.name;
        match (before.get(name), after.get(name)) {
            (Some(before), None) if attribute.mutability == Mutability::Immutable => {
                after.insert(name.clone(), before.clone());
            }
            (Some(before), Some(after)) if attribute.mutability == Mutability::Immutable && before != after => {
                return Err(Error::Mutability(format!("{name} cannot be changed once it is set.")));
            }
            (Some(Value::Object(before)), Some(Value::Object(object))) if attribute.is_complex() => {
                let mut object = object.clone();
                keep(attribute.sub_attributes.iter(), before, &mut object)?;
                after.insert(name.clone(), Value::Object(object));
            }
            _ => {}
        }
    }
    Ok(())
}
