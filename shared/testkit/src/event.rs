//! Events of API Gateway.

use serde_json::{Value, json};

/// The event that API Gateway sends to a function for a request to a collection, such as `Users`, or to the
/// resource with an id.
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
