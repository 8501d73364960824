//! The parts of the document that operations refer to: schemas of resources from the registry (RFC 7643), and of messages
//! (RFC 7644 §3).

use schema::{Attribute, DataType, Mutability, ResourceType, resource_types};
use serde_json::{Map, Value, json};

use super::reference;

const CONTENT: [&str; 2] = ["application/scim+json", "application/json"];

/// A path of attribute notation, with or without a filter (RFC 7644 §3.10, §3.5.2).
const PATH: &str = r"^[A-Za-z][A-Za-z0-9$_.:-]*(\[.+\](\.[A-Za-z$]+)?)?$";
/// Attribute names with commas between.
const NAMES: &str = r"^[A-Za-z][A-Za-z0-9$_-]*(\.[A-Za-z$][A-Za-z0-9$_-]*)?(,[A-Za-z][A-Za-z0-9$_-]*)*$";

/// A body in either of the media types (RFC 7644 §3.8).
pub(super) fn content(schema: &Value) -> Value {
    Value::Object(CONTENT.map(|media_type| (media_type.to_owned(), json!({"schema": schema}))).into_iter().collect())
}

pub(super) fn schemas() -> Value {
    let mut all = Map::new();
    for definition in resource_types() {
        all.insert(definition.kind.name().to_owned(), resource(definition));
        for extension in &definition.extensions {
            let mut object = complex(&extension.schema.attributes);
            object["description"] = json!(extension.schema.description);
            all.insert(component_name(&extension.schema.name), object);
        }
    }
    all.extend(messages());
    Value::Object(all)
}

/// The name of a schema as a component's: `^[a-zA-Z0-9._-]+$`.
fn component_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn resource(definition: &ResourceType) -> Value {
    let mut properties = properties(definition.attributes());
    for extension in &definition.extensions {
        properties.insert(extension.schema.id.clone(), reference("schemas", &component_name(&extension.schema.name)));
    }
    json!({"type": "object", "description": definition.description, "properties": properties})
}

fn complex(attributes: &[Attribute]) -> Value {
    json!({"type": "object", "properties": properties(attributes.iter()), "additionalProperties": false})
}

fn properties<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> Map<String, Value> {
    attributes.map(|attribute| (attribute.name.clone(), property(attribute))).collect()
}

/// RFC 7643 §2.3.
fn property(attribute: &Attribute) -> Value {
    let single = match attribute.data_type {
        DataType::String | DataType::Reference => json!({"type": "string"}),
        DataType::Boolean => json!({"type": "boolean"}),
        DataType::Decimal => json!({"type": "number"}),
        DataType::Integer => json!({"type": "integer"}),
        DataType::DateTime => json!({"type": "string", "format": "date-time"}),
        DataType::Binary => json!({"type": "string", "contentEncoding": "base64"}),
        DataType::Complex => complex(&attribute.sub_attributes),
    };
    let mut property = if attribute.multi_valued { json!({"type": "array", "items": single}) } else { single };
    if !attribute.description.is_empty() {
        property["description"] = json!(attribute.description);
    }
    if !attribute.canonical_values.is_empty() {
        property["examples"] = json!(attribute.canonical_values);
    }
    match attribute.mutability {
        Mutability::ReadOnly => property["readOnly"] = json!(true),
        Mutability::WriteOnly => property["writeOnly"] = json!(true),
        Mutability::ReadWrite | Mutability::Immutable => {}
    }
    property
}

/// An object whose `schemas` is a message's.
fn message(urn: &str, required: &[&str], properties: &Value) -> Value {
    let mut object = json!({"type": "object", "properties": {
        "schemas": {"type": "array", "items": {"type": "string"}, "examples": [[urn]]},
    }, "required": required});
    for (name, property) in properties.as_object().into_iter().flatten() {
        object["properties"][name] = property.clone();
    }
    object
}

fn messages() -> [(String, Value); 10] {
    let urn = |name: &str| format!("urn:ietf:params:scim:api:messages:2.0:{name}");
    let core = |name: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let count = json!({"type": "integer", "minimum": 0});
    let any = json!({"type": "array", "items": {"type": "object"}});
    let supported =
        json!({"type": "object", "properties": {"supported": {"type": "boolean"}}, "required": ["supported"]});
    let cursor = json!({"type": "string", "description": "RFC 9865."});
    let bulk_operation = json!({"type": "object", "required": ["method"], "properties": {
        "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]}, "bulkId": text, "version": text, "path": text,
        "data": {"type": "object"},
    }});
    // A method that is no string cannot be repeated.
    let bulk_answer = json!({"type": "object", "required": ["status"], "properties": {
        "method": text, "bulkId": text, "version": text, "location": text, "status": text, "response": {"type": "object"},
    }});
    [
        ("Error", message(&urn("Error"), &["schemas", "status", "detail"], &json!({
            "status": {"type": "string", "pattern": "^[45][0-9][0-9]$"}, "scimType": text, "detail": text,
        }))),
        ("ListResponse", message(&urn("ListResponse"), &["schemas", "totalResults", "Resources"], &json!({
            "totalResults": count, "startIndex": {"type": "integer", "minimum": 1}, "itemsPerPage": count,
            "nextCursor": cursor, "previousCursor": cursor, "Resources": any,
        }))),
        ("SearchRequest", message(&urn("SearchRequest"), &[], &json!({
            "attributes": texts, "excludedAttributes": texts, "filter": text, "sortBy": text,
            "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
            "startIndex": {"type": "integer"}, "count": {"type": "integer"}, "cursor": text,
        }))),
        ("PatchOp", message(&urn("PatchOp"), &["Operations"], &json!({"Operations": {"type": "array", "items": patch_operation()}}))),
        ("BulkRequest", message(&urn("BulkRequest"), &["Operations"], &json!({
            "failOnErrors": {"type": "integer"}, "Operations": {"type": "array", "items": bulk_operation},
        }))),
        ("BulkResponse", message(&urn("BulkResponse"), &["schemas", "Operations"], &json!({
            "Operations": {"type": "array", "items": bulk_answer},
        }))),
        ("ServiceProviderConfig", message(
            &core("ServiceProviderConfig"),
            &["schemas", "patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"],
            &json!({
                "documentationUri": text, "patch": supported, "bulk": supported, "filter": supported,
                "changePassword": supported, "sort": supported, "etag": supported, "authenticationSchemes": any,
                "meta": {"type": "object"},
            }),
        )),
        ("ResourceType", message(&core("ResourceType"), &["schemas", "id", "name", "endpoint", "schema"], &json!({
            "id": text, "name": text, "description": text, "endpoint": text, "schema": text, "schemaExtensions": any,
            "meta": {"type": "object"},
        }))),
        ("Schema", message(&core("Schema"), &["schemas", "id", "name", "attributes"], &json!({
            "id": text, "name": text, "description": text, "attributes": any, "meta": {"type": "object"},
        }))),
        ("Object", json!({"type": "object"})),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
}

/// RFC 7644 §3.5.2: with a path, or with an object of attributes.
fn patch_operation() -> Value {
    let path = json!({"type": "string", "pattern": PATH, "examples": ["active", "emails[type eq \"work\"].value"]});
    let set = json!({"type": "string", "enum": ["add", "replace"]});
    json!({"anyOf": [
        {"type": "object", "required": ["op", "path", "value"], "properties": {"op": set, "path": path, "value": {}}},
        {"type": "object", "required": ["op", "value"], "properties": {"op": set, "value": {"type": "object"}},
            "additionalProperties": false},
        {"type": "object", "required": ["op", "path"], "properties": {"op": {"const": "remove"}, "path": path, "value": {}}},
    ]})
}

/// Parameters of queries and headers, by the names that operations give them.
pub(super) fn parameters() -> Value {
    let text = json!({"type": "string"});
    let names = json!({"type": "string", "pattern": NAMES, "examples": ["userName,emails.value"]});
    let number = json!({"type": "integer"});
    let order = json!({"type": "string", "enum": ["ascending", "descending"]});
    let all = [
        ("filter", "query", &text, "Which resources (RFC 7644 §3.4.2.2): userName eq \"ada@example.com\"."),
        ("sortBy", "query", &text, "The attribute to sort by (RFC 7644 §3.4.2.3)."),
        ("sortOrder", "query", &order, "Ascending where nothing is said."),
        ("startIndex", "query", &number, "The first resource of the page, from 1 (RFC 7644 §3.4.2.4)."),
        ("count", "query", &number, "The most resources of the page."),
        ("cursor", "query", &text, "Where the page begins (RFC 9865); empty for the first one."),
        ("attributes", "query", &names, "The attributes to answer with, commas between (RFC 7644 §3.9)."),
        ("excludedAttributes", "query", &names, "The attributes to leave out; not together with attributes."),
        ("If-Match", "header", &text, "Only if the version is this one (RFC 7644 §3.14)."),
        ("If-None-Match", "header", &text, "Only if the version is another one (RFC 7644 §3.14)."),
        ("Prefer", "header", &text, "return=minimal for an answer without the resource (RFC 7240)."),
    ];
    let all = all.map(|(name, place, schema, description)| {
        (name.to_owned(), json!({"name": name, "in": place, "description": description, "schema": schema}))
    });
    Value::Object(all.into_iter().collect())
}

pub(super) fn headers() -> Value {
    let text = json!({"type": "string"});
    json!({
        "ETag": {"description": "The version of the resource.", "schema": text},
        "Location": {"description": "The URL of the resource.", "schema": text},
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
        "Allow": {"description": "The methods that the URL takes.", "schema": text},
        "WWW-Authenticate": {"description": "How to authenticate.", "schema": text},
        "Preference-Applied": {"description": "The preference that was followed (RFC 7240).", "schema": text},
    })
}

/// Refusals, by status (RFC 7644 §3.12).
pub(super) fn responses() -> Value {
    let all = [
        ("400", "The request is wrong; the detail says how.", None),
        ("401", "The token was not accepted.", Some("WWW-Authenticate")),
        ("403", "The token, or the endpoint, does not allow the request.", None),
        ("404", "There is no such resource.", None),
        ("406", "The client takes no media type that this service has.", None),
        ("409", "A name is taken.", None),
        ("412", "The resource has another version.", None),
        ("413", "The request is too large.", None),
        ("415", "The body is of another media type.", None),
        ("429", "Too many requests at once.", Some("Retry-After")),
        ("500", "The service failed.", None),
        ("501", "The service does not have this.", None),
        ("503", "The storage does not answer.", Some("Retry-After")),
        ("504", "It took longer than 29 seconds.", None),
    ];
    let all = all.map(|(status, description, header)| {
        let mut response = json!({"description": description, "content": content(&reference("schemas", "Error"))});
        if let Some(header) = header {
            response["headers"] = json!({header: reference("headers", header)});
        }
        (status.to_owned(), response)
    });
    Value::Object(all.into_iter().collect())
}
