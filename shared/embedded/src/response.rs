//! Responses on the wire.

use axum::http::StatusCode;

/// The response to an operation on the wire: the status and the JSON body.
pub type WireResponse = (StatusCode, String);

/// An error in DynamoDB's format.
pub(crate) fn error_response(kind: &str, message: &str) -> WireResponse {
    let error = serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    (StatusCode::BAD_REQUEST, error.to_string())
}
