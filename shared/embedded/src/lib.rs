//! The embedded DynamoDB of `cargo run` and of the tests: dynoxide over SQLite, behind a server that speaks the
//! part of DynamoDB's protocol that the store and the tests use.
//!
//! dynoxide has a server, too. That server remembers every `ClientRequestToken` for ten minutes, searches all of
//! them at each transaction, and accepts requests from anyone who reaches the port. This server has
//! `IdempotencyTokens` and an access key instead.

mod idempotency_tokens;
mod operation;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
pub use dynoxide::Database;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use crate::idempotency_tokens::IdempotencyTokens;

/// Bytes in the body of a request; DynamoDB accepts 16 MB.
const BODY_BYTES: usize = 16 << 20;

/// An embedded DynamoDB without a port.
pub struct Engine {
    database: Database,
    tokens: IdempotencyTokens,
    key: String,
}

/// The response to an operation on the wire: the status and the JSON body.
pub type WireResponse = (StatusCode, String);

/// Serves [`router`] until the listener fails. Each call blocks the thread that serves it.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, database: Database, key: String) -> io::Result<()> {
    // Without TCP_NODELAY, the end of a long response would wait for the acknowledgement of the packets before it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router(database, key)).await
}

/// Returns a router that serves requests signed with the access key whose id is `key`.
pub fn router(database: Database, key: String) -> Router {
    let engine = Engine::new(database, key);
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY_BYTES)).with_state(Arc::new(engine))
}

async fn answer(State(engine): State<Arc<Engine>>, method: Method, headers: HeaderMap, body: String) -> Response {
    if method != Method::POST || !engine.is_authorized(&headers) {
        return error_response("UnrecognizedClientException", "The security token included in the request is invalid.")
            .into_response();
    }
    let (status, body) = match headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split_once('.')) {
        Some(("DynamoDB_20120810", operation)) => engine.answer(operation, &body),
        _ => error_response("UnknownOperationException", ""),
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

impl Engine {
    pub fn new(database: Database, key: String) -> Self {
        Self { database, tokens: IdempotencyTokens::default(), key }
    }

    /// Carries out an operation.
    pub fn answer(&self, operation: &str, body: &str) -> WireResponse {
        operation::answer(self, operation, body)
    }

    /// Whether the request is signed with the access key. Only the key's id is secret here, so the signature is not
    /// verified.
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once("Credential="));
        let id = signed.and_then(|(_, credential)| credential.split('/').next());
        id.is_some_and(|id| id.as_bytes().ct_eq(self.key.as_bytes()).into())
    }
}

/// An error in DynamoDB's format.
fn error_response(kind: &str, message: &str) -> WireResponse {
    let error = serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    (StatusCode::BAD_REQUEST, error.to_string())
}
