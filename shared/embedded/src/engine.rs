//! The engine behind the server: dynoxide, the idempotency tokens of its transactions, and its access key.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use dynoxide::Database;
use subtle::ConstantTimeEq;

use crate::idempotency_tokens::IdempotencyTokens;
use crate::operation;
use crate::response::WireResponse;

/// An embedded DynamoDB without a port.
pub struct Engine {
    database: Database,
    tokens: IdempotencyTokens,
    key: String,
}

impl Engine {
    pub fn new(database: Database, key: String) -> Self {
        Self { database, tokens: IdempotencyTokens::default(), key }
    }

    /// Carries out an operation.
    pub fn answer(&self, operation: &str, body: &str) -> WireResponse {
        operation::answer(&self.database, &self.tokens, operation, body)
    }

    /// Whether the request is signed with the access key. Only the key's id is secret here, so the signature is not
    /// verified.
    pub(crate) fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once("Credential="));
        let id = signed.and_then(|(_, credential)| credential.split('/').next());
        id.is_some_and(|id| id.as_bytes().ct_eq(self.key.as_bytes()).into())
    }
}
