//! Required attributes (RFC 7643 §2.2).

use serde_json::Value;

use crate::{Attribute, Mutability, Object, ResourceType};

impl ResourceType {
    /// The first required attribute that the resource lacks, as `name` or `urn:name`.
    pub fn missing(&self, resource: &Object) -> Option<String> {
        let core = self.attributes().find_map(|attribute| missing_in(attribute, resource));
        core.or_else(|| {
            self.extensions.iter().find_map(|extension| {
                let schema = extension.schema;
                let content = match resource.get(&schema.id) {
                    Some(Value::Object(content)) => content,
                    _ if extension.required => return Some(schema.id.clone()),
                    _ => return None,
                };
                let missing = schema.attributes.iter().find_map(|attribute| missing_in(attribute, content))?;
                Some(format!("{}:{missing}", schema.id))
            })
        })
    }
}

/// The first required attribute that `holder` lacks: the attribute itself, or one of its sub-attributes.
fn missing_in(attribute: &Attribute, holder: &Object) -> Option<String> {
    if !has_required(attribute) {
        return None;
    }
    let name = &attribute.name;
    let elements = match holder.get(name) {
        None => return attribute.required.then(|| name.clone()),
        // A required name must not be empty (RFC 7643 §4.1.1).
        Some(Value::String(text)) if text.is_empty() => return attribute.required.then(|| name.clone()),
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(element) => std::slice::from_ref(element),
    };
    let mut objects = elements.iter().filter_map(Value::as_object);
    objects.find_map(|object| {
        let sub = attribute.sub_attributes.iter().find_map(|sub| missing_in(sub, object))?;
        Some(format!("{name}.{sub}"))
    })
}

/// Whether clients must send the attribute, or one of its sub-attributes.
fn has_required(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::ReadOnly
        && (attribute.required || attribute.sub_attributes.iter().any(has_required))
}
