//! The OpenAPI 3.1 document: each route with its parameters, bodies and responses, built from the schema registry
//! and the route table that the service itself uses.

use protocol::{ROUTES, Route};
use serde_json::{Map, Value, json};

use crate::{component, operation};

/// The document for a base URL, to which `/Users` is appended.
pub(crate) fn document(base_url: &str) -> Value {
    let paths: Map<String, Value> =
        ROUTES.iter().map(|route| (below_base(route.path).to_owned(), path_item(route))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SCIM on Lambda",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A SCIM 2.0 service provider (RFC 7643, RFC 7644).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "tags": operation::TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {
            "schemas": component::schemas(),
            "parameters": component::parameters(),
            "headers": component::headers(),
            "responses": component::responses(),
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token that the operator of the service issues. A token with only the scope `read` \
                    cannot change anything.",
            }},
        },
    })
}

/// A route's path relative to the base URL, which ends in `/v2`.
fn below_base(path: &str) -> &str {
    match path.strip_prefix("/v2") {
        Some("") | None => "/",
        Some(rest) => rest,
    }
}

fn path_item(route: &Route) -> Value {
    let path = below_base(route.path);
    let mut item = Map::new();
    if let Some(parameter) = parameter(path) {
        item.insert("parameters".to_owned(), json!([parameter]));
    }
    for method in route.methods {
        item.extend(operation::operation(path, method).map(|operation| (method.to_ascii_lowercase(), operation)));
    }
    Value::Object(item)
}

/// The parameter in the path, if there is one.
fn parameter(path: &str) -> Option<Value> {
    let (_, rest) = path.split_once('{')?;
    let name = rest.trim_end_matches('}');
    let description = match name {
        "id" => "The identifier that this service gave the resource.",
        "urn" => "The URI of the schema.",
        _ => "The name of the resource type.",
    };
    let schema = if name == "id" {
        json!({"type": "string", "format": "uuid"})
    } else {
        json!({"type": "string", "minLength": 1})
    };
    Some(json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema}))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_has_operations_and_every_reference_resolves() {
        let document = document("https://x/scim/v2");
        let mut names = BTreeSet::new();
        for route in ROUTES {
            for method in route.methods {
                let operation = &document["paths"][below_base(route.path)][method.to_ascii_lowercase()];
                assert!(operation["responses"].is_object(), "{method} {}", route.path);
                assert!(names.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            }
        }
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn attribute_properties_follow_the_schema() {
        let document = document("b");
        let user = &document["components"]["schemas"]["User"]["properties"];
        assert_eq!(user["active"]["type"], "boolean");
        assert_eq!(user["emails"]["items"]["properties"]["primary"]["type"], "boolean");
        assert_eq!((&user["password"]["writeOnly"], &user["groups"]["readOnly"]), (&json!(true), &json!(true)));
        let enterprise = &user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
        assert_eq!(enterprise["$ref"], "#/components/schemas/EnterpriseUser");
        let open = &document["paths"]["/openapi.json"]["get"];
        assert_eq!((&open["security"], &document["security"]), (&json!([]), &json!([{"bearer": []}])));
    }
}
