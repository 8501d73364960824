//! The metadata of a token that operators see: everything except its secret and its hash.

use std::fmt;

use serde::Serialize;
use store::Token;

use super::rfc3339;

/// A token without its secret. Times are RFC 3339.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenMetadata {
    pub id: String,
    pub tenant: String,
    pub label: String,
    pub scopes: String,
    pub dialect: String,
    pub state: TokenState,
    pub created: String,
    pub expires_at: String,
    /// Accurate to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The id of the token that replaces this one after a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

/// Whether a token works. In JSON and in logs it is `active`, `expired` or `revoked`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenState {
    Active,
    Expired,
    Revoked,
}

impl TokenState {
    /// The state at the time `now`, in seconds since 1970.
    pub(super) fn of(token: &Token, now: u64) -> Self {
        if token.revoked_at.is_some() {
            Self::Revoked
        } else if token.expires_at <= now {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}

impl TokenMetadata {
    pub(super) fn new(token: Token, now: u64) -> Self {
        Self {
            state: TokenState::of(&token, now),
            id: token.id,
            tenant: token.tenant,
            label: token.label,
            scopes: token.scopes,
            dialect: token.dialect,
            created: rfc3339(token.created),
            expires_at: rfc3339(token.expires_at),
            last_used: token.last_used.map(rfc3339),
            revoked_at: token.revoked_at.map(rfc3339),
            successor: token.successor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    #[test]
    fn token_state_changes_at_expiry_and_at_revocation() {
        assert_eq!(TokenState::of(&token(10, None), 9), TokenState::Active);
        assert_eq!(TokenState::of(&token(10, None), 10), TokenState::Expired);
        assert_eq!(TokenState::of(&token(10, Some(1)), 9), TokenState::Revoked);
    }

    #[test]
    fn token_state_has_the_same_name_in_json_and_in_logs() {
        for state in [TokenState::Active, TokenState::Expired, TokenState::Revoked] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
        }
    }

    #[test]
    fn token_metadata_has_no_hash() {
        let metadata = serde_json::to_value(TokenMetadata::new(token(86_400, None), 0)).unwrap();
        let expect = serde_json::json!({
            "id": "i", "tenant": "acme", "label": "l", "scopes": "read", "dialect": "lenient", "state": "active",
            "created": "1970-01-01T00:00:00Z", "expiresAt": "1970-01-02T00:00:00Z",
        });
        assert_eq!(metadata, expect);
    }
}
