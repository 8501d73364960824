//! The components that operations refer to: schemas of resources (RFC 7643), parameters, headers and error
//! responses.

use schema::{Attribute, DataType, Mutability, ResourceType, resource_types};
use serde_json::{Map, Value, json};

use crate::message::messages;
use crate::reference::{content, reference};

/// Attribute names (RFC 7644 §3.10), separated by commas: a name, a sub-attribute, either of them after the URI of a
/// schema, or the URI alone.
fn names_pattern() -> String {
    const WORD: &str = "[A-Za-z$][A-Za-z0-9$_-]*";
    const URI: &str = "urn(:[A-Za-z0-9._/-]+)+";
    let name = format!(r"({URI}|({URI}:)?{WORD}(\.{WORD})?)");
    format!("^{name}(,{name})*$")
}

pub(crate) fn schemas() -> Value {
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

/// The name of a schema as a component name, which has to match `^[a-zA-Z0-9._-]+$`.
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

/// Query and header parameters, by name.
pub(crate) fn parameters() -> Value {
    let text = json!({"type": "string"});
    let names = json!({"type": "string", "pattern": names_pattern(), "examples": ["userName,emails.value"]});
    let number = json!({"type": "integer"});
    let order = json!({"type": "string", "enum": ["ascending", "descending"]});
    let all = [
        ("filter", "query", &text, "A filter (RFC 7644 §3.4.2.2), such as userName eq \"ada@example.com\"."),
        ("sortBy", "query", &text, "The attribute to sort by (RFC 7644 §3.4.2.3)."),
        ("sortOrder", "query", &order, "The sort order; ascending by default."),
        ("startIndex", "query", &number, "The 1-based index of the first resource of the page (RFC 7644 §3.4.2.4)."),
        ("count", "query", &number, "The maximum number of resources on the page."),
        ("cursor", "query", &text, "The cursor of the page (RFC 9865); empty for the first page."),
        ("attributes", "query", &names, "The attributes to return, separated by commas (RFC 7644 §3.9)."),
        (
            "excludedAttributes",
            "query",
            &names,
            "The attributes to leave out. It cannot be combined with `attributes`.",
        ),
        ("If-Match", "header", &text, "Proceed only if the resource has this version (RFC 7644 §3.14)."),
        ("If-None-Match", "header", &text, "Proceed only if the resource has another version (RFC 7644 §3.14)."),
        ("Prefer", "header", &text, "`return=minimal` for a response without the resource (RFC 7240)."),
    ];
    let all = all.map(|(name, place, schema, description)| {
        (name.to_owned(), json!({"name": name, "in": place, "description": description, "schema": schema}))
    });
    Value::Object(all.into_iter().collect())
}

pub(crate) fn headers() -> Value {
    let text = json!({"type": "string"});
    json!({
        "ETag": {"description": "The version of the resource.", "schema": text},
        "Location": {"description": "The URL of the resource.", "schema": text},
        "Retry-After": {
            "description": "How many seconds to wait before retrying.", "schema": {"type": "integer", "minimum": 0},
        },
        "Allow": {"description": "The methods that the URL supports.", "schema": text},
        "WWW-Authenticate": {"description": "How to authenticate.", "schema": text},
        "Preference-Applied": {"description": "The preference that was applied (RFC 7240).", "schema": text},
    })
}

/// Error responses, by status (RFC 7644 §3.12).
pub(crate) fn responses() -> Value {
    let all = [
        ("400", "The request is invalid; `detail` says why.", None),
        ("401", "The bearer token is missing or not valid.", Some("WWW-Authenticate")),
        ("403", "The token or the endpoint does not allow the request.", None),
        ("404", "The resource does not exist.", None),
        ("406", "The Accept header allows no media type that this service returns.", None),
        ("409", "The name is already in use.", None),
        ("412", "The resource has another version.", None),
        ("413", "The request or its response is too large.", None),
        ("415", "The media type of the body is not supported.", None),
        ("429", "Too many requests at the same time.", Some("Retry-After")),
        ("500", "The service failed to process the request.", None),
        ("501", "The service does not implement this.", None),
        ("503", "The database is unavailable.", Some("Retry-After")),
        ("504", "The request took longer than 29 seconds.", None),
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
