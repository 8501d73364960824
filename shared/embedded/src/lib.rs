//! The embedded DynamoDB of `cargo run` and of the tests: dynoxide over SQLite, behind a server that speaks the
//! part of DynamoDB's protocol that the store and the tests use.
//!
//! dynoxide has a server, too. That server remembers every `ClientRequestToken` for ten minutes, searches all of
//! them at each transaction, and accepts requests from anyone who reaches the port. This server has
//! `IdempotencyTokens` and an access key instead.

mod engine;
mod idempotency_tokens;
mod operation;
mod response;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
pub use dynoxide::Database;
use tokio::net::TcpListener;

pub use crate::engine::Engine;
pub use crate::response::WireResponse;
use crate::response::error_response;

/// Bytes in the body of a request; DynamoDB accepts 16 MB.
const BODY_BYTES: usize = 16 << 20;

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
