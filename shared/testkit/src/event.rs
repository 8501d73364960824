//! Events of API Gateway.

use serde_json::{Value, json};

/// A request as API Gateway sends it to a function: of a method for a collection like `Users`, or for the one of an id.
pub fn event(
    tenant: &str,
    method: &str,
    collection: &str,
    id: Option<&str>,
    query: Value,
    body: Option<Value>,
) -> Value {
    let (resource, path) = match id {
        Some(id) => (format!("/v2/{collection}/{{id}}"), format!("/v2/{collection}/{id}")),
        None => (format!("/v2/{collection}"), format!("/v2/{collection}")),
    };
    json!({
        "resource": resource, "path": path, "httpMethod": method,
        "multiValueHeaders": {"Content-Type": ["application/scim+json"]},
        "multiValueQueryStringParameters": query,
        "pathParameters": id.map(|id| json!({ "id": id })),
        "requestContext": {
            "resourcePath": resource, "path": format!("/scim{path}"), "stage": "scim", "domainName": "api.example",
            "httpMethod": method, "requestId": "r", "identity": {},
            "authorizer": {"tenant": tenant, "token": "t", "scopes": "read write"},
        },
        "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
    })
}
