//! The schemas of protocol messages (RFC 7644 §3) and of the discovery documents (RFC 7643 §5 to §7).

use serde_json::{Value, json};

/// A path in attribute notation, with or without a filter (RFC 7644 §3.10, §3.5.2).
const PATH: &str = r"^[A-Za-z][A-Za-z0-9$_.:-]*(\[.+\](\.[A-Za-z$]+)?)?$";

/// Each message's component name and schema.
pub(crate) fn messages() -> impl Iterator<Item = (String, Value)> {
    let named = [("Error", error()), ("PatchOp", patch()), ("Object", json!({"type": "object"}))];
    let named = named.into_iter().chain(queries()).chain(bulk()).chain(discovery());
    named.map(|(name, schema)| (name.to_owned(), schema))
}

/// RFC 7644 §3.12.
fn error() -> Value {
    let properties = json!({
        "status": {"type": "string", "pattern": "^[45][0-9][0-9]$"}, "scimType": text(), "detail": text(),
    });
    message(&api("Error"), &["schemas", "status", "detail"], &properties)
}

/// RFC 7644 §3.4.2 and §3.4.3, RFC 9865.
fn queries() -> [(&'static str, Value); 2] {
    let count = json!({"type": "integer", "minimum": 0});
    let cursor = json!({"type": "string", "description": "RFC 9865."});
    let names = json!({"type": "array", "items": text()});
    let list = json!({
        "totalResults": count, "startIndex": {"type": "integer", "minimum": 1}, "itemsPerPage": count,
        "nextCursor": cursor, "previousCursor": cursor, "Resources": objects(),
    });
    let search = json!({
        "attributes": names, "excludedAttributes": names, "filter": text(), "sortBy": text(),
        "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
        "startIndex": {"type": "integer"}, "count": {"type": "integer"}, "cursor": text(),
    });
    [
        ("ListResponse", message(&api("ListResponse"), &["schemas", "totalResults", "Resources"], &list)),
        ("SearchRequest", message(&api("SearchRequest"), &[], &search)),
    ]
}

/// RFC 7644 §3.5.2: an operation has a path, or an object of attributes as its value.
fn patch() -> Value {
    let path = json!({"type": "string", "pattern": PATH, "examples": ["active", "emails[type eq \"work\"].value"]});
    let set = json!({"type": "string", "enum": ["add", "replace"]});
    let operation = json!({"anyOf": [
        {"type": "object", "required": ["op", "path", "value"], "properties": {"op": set, "path": path, "value": {}}},
        {"type": "object", "required": ["op", "value"], "properties": {"op": set, "value": {"type": "object"}},
            "additionalProperties": false},
        {"type": "object", "required": ["op", "path"],
            "properties": {"op": {"const": "remove"}, "path": path, "value": {}}},
    ]});
    message(&api("PatchOp"), &["Operations"], &json!({"Operations": {"type": "array", "items": operation}}))
}

/// RFC 7644 §3.7.
fn bulk() -> [(&'static str, Value); 2] {
    let operation = json!({"type": "object", "required": ["method"], "properties": {
        "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
        "bulkId": text(), "version": text(), "path": text(), "data": {"type": "object"},
    }});
    let request = json!({
        "failOnErrors": {"type": "integer"}, "Operations": {"type": "array", "items": operation},
    });
    // `method` is always present in a response of this service, but the schema does not require it.
    let outcome = json!({"type": "object", "required": ["status"], "properties": {
        "method": text(), "bulkId": text(), "version": text(), "location": text(), "status": text(),
        "response": {"type": "object"},
    }});
    let response = json!({"Operations": {"type": "array", "items": outcome}});
    [
        ("BulkRequest", message(&api("BulkRequest"), &["Operations"], &request)),
        ("BulkResponse", message(&api("BulkResponse"), &["schemas", "Operations"], &response)),
    ]
}

/// RFC 7643 §5, §6 and §7.
fn discovery() -> [(&'static str, Value); 3] {
    let core = |name: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
    let supported =
        json!({"type": "object", "properties": {"supported": {"type": "boolean"}}, "required": ["supported"]});
    let config = json!({
        "documentationUri": text(), "patch": supported, "bulk": supported, "filter": supported,
        "changePassword": supported, "sort": supported, "etag": supported, "authenticationSchemes": objects(),
        "pagination": {"type": "object", "description": "RFC 9865. A lenient token does not get it."},
        "meta": {"type": "object"},
    });
    let resource_type = json!({
        "id": text(), "name": text(), "description": text(), "endpoint": text(), "schema": text(),
        "schemaExtensions": objects(), "meta": {"type": "object"},
    });
    let schema = json!({
        "id": text(), "name": text(), "description": text(), "attributes": objects(), "meta": {"type": "object"},
    });
    let features = ["schemas", "patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"];
    let identity = ["schemas", "id", "name", "endpoint", "schema"];
    [
        ("ServiceProviderConfig", message(&core("ServiceProviderConfig"), &features, &config)),
        ("ResourceType", message(&core("ResourceType"), &identity, &resource_type)),
        ("Schema", message(&core("Schema"), &["schemas", "id", "name", "attributes"], &schema)),
    ]
}

/// The schema URI of a protocol message.
fn api(name: &str) -> String {
    format!("urn:ietf:params:scim:api:messages:2.0:{name}")
}

fn text() -> Value {
    json!({"type": "string"})
}

fn objects() -> Value {
    json!({"type": "array", "items": {"type": "object"}})
}

/// An object whose `schemas` contains the message's URI.
fn message(urn: &str, required: &[&str], properties: &Value) -> Value {
    let mut object = json!({"type": "object", "properties": {
        "schemas": {"type": "array", "items": {"type": "string"}, "examples": [[urn]]},
    }, "required": required});
    for (name, property) in properties.as_object().into_iter().flatten() {
        object["properties"][name] = property.clone();
    }
    object
}
