//! Fuzzes attribute paths in every place of the protocol that accepts one.

use protocol::{Parameters, Patch, Projection, Query};
use schema::{Kind, resource_type};
use serde_json::{Value, json};

use crate::resources;
use crate::variants::variants;

/// Fuzzes attribute paths in PATCH operations, projections and `sortBy` (RFC 7644 §3.5.2, §3.9, §3.4.2.3).
pub fn path(text: &str) {
    for (kind, dialect) in variants() {
        let definition = resource_type(kind);
        let resource = resources::of(kind);
        for (op, value) in [("remove", None), ("add", Some(json!(text))), ("replace", Some(json!([{ "value": text }])))]
        {
            let mut operation = json!({ "op": op, "path": text });
            if let (Value::Object(operation), Some(value)) = (&mut operation, value) {
                operation.insert("value".to_owned(), value);
            }
            let body =
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
            if let Ok(patch) = Patch::parse(definition, body.as_object().unwrap(), &dialect) {
                drop(patch.apply(resource));
            }
        }
        for (attributes, excluded) in [(Some(text), None), (None, Some(text))] {
            if let Ok(projection) = Projection::parse(attributes, excluded, &dialect) {
                let once = projection.apply(definition, resource.clone());
                assert_eq!(projection.apply(definition, once.clone()), once);
            }
        }
        for kinds in [&[kind][..], &Kind::ALL] {
            let parameters = Parameters { sort_by: Some(text.to_owned()), ..Parameters::default() };
            if let Ok(query) = Query::parse(kinds, parameters, &dialect) {
                drop(query.position(kind, resources::id(), resource));
            }
        }
    }
}
