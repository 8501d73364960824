//! Discovery (RFC 7644 §4, RFC 7643 §5 to §7): the service provider's configuration, resource types and schemas.

use schema::{Dialect, Object, ResourceType, Schema, resource_types, schemas};
use serde_json::{Value, json};

use crate::Error;
use crate::limits::{BULK_BYTES, BULK_OPERATIONS, CURSOR_SECONDS, DEFAULT_COUNT, MAX_COUNT};
use crate::query::list_response;

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Rejects a filter on a discovery endpoint (RFC 7644 §4: "If a 'filter' is provided, the service provider SHOULD
/// respond with 403").
///
/// # Errors
/// [`Error::Forbidden`] if there is a filter.
pub fn refuse_filter(filter: Option<&str>) -> Result<(), Error> {
    match filter {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden(
            "This endpoint does not support filters (RFC 7644 §4). Request it without a filter, or request a single \
             item by its name."
                .to_owned(),
        )),
    }
}

/// The body of `/ServiceProviderConfig` (RFC 7643 §5).
///
/// A lenient dialect has only the attributes of RFC 7643, because some clients refuse the whole document for one that
/// they do not know (Canaille 0.3, scim2-models before 0.10). Other dialects add `pagination`, which RFC 9865 §4 says
/// SHOULD be there.
pub fn service_provider_config(base_url: &str, dialect: &Dialect) -> Object {
    let mut config = object(json!({
        "schemas": [CONFIG],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": BULK_OPERATIONS, "maxPayloadSize": BULK_BYTES},
        "filter": {"supported": true, "maxResults": MAX_COUNT},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A long-lived token that the operator of the service issues; sent as `Authorization: \
                Bearer <token>`.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", format!("{base_url}/ServiceProviderConfig")),
    }));
    if !dialect.is_lenient() {
        config.insert("pagination".to_owned(), pagination());
    }
    if dialect.is_interop() {
        // The profile has no entity tags, and its conformant services say so (draft-zollner-scim-interop-profile-02).
        config.insert("etag".to_owned(), json!({"supported": false}));
        config.insert("interopProfileConformant".to_owned(), true.into());
    }
    config
}

/// RFC 9865 §4.
fn pagination() -> Value {
    json!({
        "cursor": true,
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": DEFAULT_COUNT,
        "maxPageSize": MAX_COUNT,
        "cursorTimeout": CURSOR_SECONDS,
    })
}

/// The body of `/ResourceTypes`, or of one resource type (RFC 7643 §6).
///
/// # Errors
/// [`Error::NotFound`] for an unknown name.
pub fn resource_type_list(base_url: &str, name: Option<&str>) -> Result<Object, Error> {
    let all = resource_types().iter();
    let Some(name) = name else {
        return Ok(list(all.map(|definition| describe_type(base_url, definition)).collect()));
    };
    let known = all.clone().find(|definition| definition.kind.name() == name);
    known.map(|definition| describe_type(base_url, definition)).ok_or_else(|| {
        let names: Vec<&str> = all.map(|definition| definition.kind.name()).collect();
        Error::NotFound(format!("This resource type does not exist. The resource types are {}.", names.join(" and ")))
    })
}

/// The body of `/Schemas`, or of one schema (RFC 7643 §7).
///
/// # Errors
/// [`Error::NotFound`] for an unknown URI.
pub fn schema_list(base_url: &str, urn: Option<&str>) -> Result<Object, Error> {
    let Some(urn) = urn else {
        return Ok(list(schemas().iter().map(|schema| describe_schema(base_url, schema)).collect()));
    };
    schema::schema(urn)
        .map(|schema| describe_schema(base_url, schema))
        .ok_or_else(|| Error::NotFound("This schema does not exist. GET /Schemas lists all schemas.".to_owned()))
}

fn describe_type(base_url: &str, definition: &ResourceType) -> Object {
    let name = definition.kind.name();
    let extensions = definition.extensions.iter();
    let extensions: Vec<Value> =
        extensions.map(|extension| json!({"schema": extension.schema.id, "required": extension.required})).collect();
    object(json!({
        "schemas": [RESOURCE_TYPE],
        "id": name,
        "name": name,
        "description": definition.description,
        "endpoint": definition.kind.endpoint(),
        "schema": definition.schema.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", format!("{base_url}/ResourceTypes/{name}")),
    }))
}

fn describe_schema(base_url: &str, schema: &Schema) -> Object {
    let mut body = object(json!({"schemas": [SCHEMA]}));
    if let Ok(Value::Object(content)) = serde_json::to_value(schema) {
        body.extend(content);
    }
    body.insert("meta".to_owned(), meta("Schema", format!("{base_url}/Schemas/{}", schema.id)));
    body
}

fn meta(resource_type: &str, location: String) -> Value {
    json!({"resourceType": resource_type, "location": location})
}

fn list(resources: Vec<Object>) -> Object {
    list_response(resources.len(), 1, resources)
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_listed_item_is_returned_by_its_id() {
        for (list, key) in [(resource_type_list("b", None).unwrap(), "id"), (schema_list("b", None).unwrap(), "id")] {
            assert!(!list["Resources"].as_array().unwrap().is_empty());
            for item in list["Resources"].as_array().unwrap() {
                let id = item[key].as_str().unwrap();
                let found = resource_type_list("b", Some(id)).or_else(|_| schema_list("b", Some(id))).unwrap();
                assert_eq!(&Value::Object(found), item);
                assert!(item["meta"]["location"].as_str().unwrap().ends_with(id));
            }
        }
        assert_eq!(schema_list("b", Some("urn:x")).map_err(|error| error.status()), Err(404));
        assert_eq!(resource_type_list("b", Some("user")).map_err(|error| error.status()), Err(404));
    }

    #[test]
    fn lenient_configuration_has_only_attributes_of_rfc_7643_and_strict_one_also_pagination() {
        let standard =
            ["authenticationSchemes", "bulk", "changePassword", "etag", "filter", "meta", "patch", "schemas", "sort"];
        let lenient = service_provider_config("b", &Dialect::lenient());
        assert_eq!(lenient.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(standard));
        let mut strict = service_provider_config("b", &Dialect::strict());
        let pagination = strict.remove("pagination").unwrap();
        assert_eq!((&pagination["cursor"], &pagination["index"]), (&json!(true), &json!(true)));
        assert_eq!(strict, lenient);
        let interop = service_provider_config("b", &Dialect::interop());
        assert_eq!(
            (&interop["interopProfileConformant"], &interop["etag"]["supported"]),
            (&json!(true), &json!(false))
        );
        assert!(interop.contains_key("pagination"));
    }

    #[test]
    fn schema_response_has_characteristics_of_its_file() {
        let user = schema_list("b", Some(schema::USER)).unwrap();
        let user_name = &user["attributes"][0];
        assert_eq!(user_name["name"], "userName");
        assert_eq!(user_name["uniqueness"], "server");
        assert_eq!(user_name["caseExact"], false);
        assert!(refuse_filter(Some("x")).is_err() && refuse_filter(None).is_ok());
    }
}
