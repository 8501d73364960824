//! The content of a complex value: the sub-attributes that say what the value is about (RFC 7643 §2.4).

use serde_json::Value;

use crate::{Attribute, Mutability, Object, Violation};

/// Rejects an object with sub-attributes that do not exist, if nothing that does exist says what it is about: to leave
/// them out would leave out the value itself. `{"type": "work", "email": "a@x"}` is such an object, also with
/// `"value": null`; `{"type": "work", "value": "", "id": 1}` is none.
pub(crate) fn check_content(attribute: &Attribute, path: &str, object: &Object) -> Result<(), Violation> {
    let unknown = object.iter().filter(|(name, _)| attribute.sub_attribute(name).is_none());
    let mut unknown = unknown.filter(|(_, value)| !is_empty(value));
    let Some((first, _)) = unknown.clone().next() else { return Ok(()) };
    // Beside an empty `value`, an id of the client's own database says nothing.
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
    Err(Violation::new(
        path,
        format!("has `{first}`, which does not exist; send {} in its place", content.join(" or ")),
    ))
}

/// Whether a sub-attribute says what an element is about, and not only what kind of element it is. A role may have only a
/// `display`; beside an address or a number, which is of a known type, `display` is only a name.
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
