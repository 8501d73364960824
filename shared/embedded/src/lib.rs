//! The embedded DynamoDB of `cargo run` and of the tests: dynoxide, over SQLite, behind a server that speaks DynamoDB's protocol to
//! the SDK, in as far as the store and the tests use it.
//!
//! dynoxide has a server of its own. That one remembers every transaction's `ClientRequestToken` for ten minutes, looks through all of
//! them at each transaction, and lets in whoever reaches the port; `IdempotencyTokens` and the access key are in place of that.

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

/// As much as DynamoDB takes in one request, in bytes.
const LONGEST_BODY: usize = 16 << 20;

/// A DynamoDB without a port.
pub struct Engine {
    database: Database,
    repeats: IdempotencyTokens,
    key: String,
}

/// What an operation is answered: status and JSON.
pub type Answer = (StatusCode, String);

/// Serves, as [`router`] does, until the listener fails. The calls block the thread that serves them.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, database: Database, key: String) -> io::Result<()> {
    // The end of a long answer would else wait for the acknowledgement of what came before it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router(database, key)).await
}

/// Answers whoever signs as the owner of the access key of this id.
pub fn router(database: Database, key: String) -> Router {
    let engine = Engine::new(database, key);
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(LONGEST_BODY)).with_state(Arc::new(engine))
}

async fn answer(State(engine): State<Arc<Engine>>, method: Method, headers: HeaderMap, body: String) -> Response {
    if method != Method::POST || !engine.knows(&headers) {
        return refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
            .into_response();
    }
    let (status, body) = match headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split_once('.')) {
        Some(("DynamoDB_20120810", operation)) => engine.answer(operation, &body),
        _ => refusal("UnknownOperationException", ""),
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

impl Engine {
    pub fn new(database: Database, key: String) -> Self {
        Self { database, repeats: IdempotencyTokens::default(), key }
    }

    /// Carries an operation out.
    pub fn answer(&self, operation: &str, body: &str) -> Answer {
        operation::answer(self, operation, body)
    }

    /// Whether it is signed with the key. Its id is all that is secret here: the signature says no more to whom does not know it.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once("Credential="));
        let id = signed.and_then(|(_, credential)| credential.split('/').next());
        id.is_some_and(|id| id.as_bytes().ct_eq(self.key.as_bytes()).into())
    }
}

/// An error in DynamoDB's form.
fn refusal(kind: &str, message: &str) -> Answer {
    let error = serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    (StatusCode::BAD_REQUEST, error.to_string())
}
