//! References to components, and bodies that have a schema.

use serde_json::{Value, json};

/// The media types of a body (RFC 7644 §3.1, §8.1).
const MEDIA_TYPES: [&str; 2] = ["application/scim+json", "application/json"];

/// A reference to `#/components/{kind}/{name}`.
pub(crate) fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// A body of this schema in either of the media types (RFC 7644 §3.8).
pub(crate) fn content(schema: &Value) -> Value {
    let media_types = MEDIA_TYPES.map(|media_type| (media_type.to_owned(), json!({"schema": schema})));
    Value::Object(media_types.into_iter().collect())
}
