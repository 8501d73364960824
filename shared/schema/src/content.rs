//! The content of a complex value: the sub-attributes that describe its subject, and not only its kind (RFC 7643 §2.4).

use serde_json::Value;

use crate::{Attribute, Mutability, Object, Violation};

/// Rejects an object with sub-attributes that do not exist, if none of the others is its content: to ignore the unknown
/// ones would lose the value itself. It rejects `{"type": "work", "email": "a@x"}`, also with `"value": null`, and
/// accepts `{"type": "work", "value": "", "id": 1}`.
pub(crate) fn check_content(attribute: &Attribute, path: &str, object: &Object) -> Result<(), Violation> {
    let unknown = object.iter().filter(|(name, _)| attribute.sub_attribute(name).is_none());
    let mut unknown = unknown.filter(|(_, value)| !is_empty(value));
    let Some((first, _)) = unknown.clone().next() else { return Ok(()) };
    // With an empty `value`, an id of the client's own database is no content.
    let may_be_value = unknown.any(|(name, _)| !name.eq_ignore_ascii_case("id"));
    let says = |(name, value): (&String, &Value)| {
        let sub = attribute.sub_attribute(name).filter(|sub| is_content(attribute, sub));
        sub.is_some_and(|sub| !is_empty(value) || (sub.name == "value" && !may_be_value))
    };
    let content: Vec<&str> =
        attribute.sub_attributes.iter().filter(|sub| is_content(attribute, sub)).map(|sub| sub.name.as_str()).collect();
    if content.is_empty() || object.iter().any(says) {
        return Ok(());
    }
    Err(Violation::new(path, format!("has no sub-attribute `{first}`; send {} in its place", content.join(" or "))))
}

/// Whether a sub-attribute describes the subject of an element, and not only its kind. A role may have only a
/// `display`; of an address or a number, whose types are known, `display` is only a name.
pub(crate) fn is_content(attribute: &Attribute, sub: &Attribute) -> bool {
    let has_typed_value = attribute.sub_attribute("value").is_some()
        && attribute.sub_attribute("type").is_some_and(|sub| !sub.canonical_values.is_empty());
    match sub.name.as_str() {
        "type" | "primary" | "$ref" => false,
        "display" => !has_typed_value,
        _ => sub.mutability != Mutability::ReadOnly,
    }
}

/// Null, and an empty text, array or object.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}
