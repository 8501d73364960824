//! The metadata of a token that operators see: everything except its secret and its hash.

use std::fmt;

use protocol::{Error, token};
use serde::Serialize;
use store::Token;

use crate::clock::rfc3339_seconds;

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
            created: rfc3339_seconds(token.created),
            expires_at: rfc3339_seconds(token.expires_at),
            last_used: token.last_used.map(rfc3339_seconds),
            revoked_at: token.revoked_at.map(rfc3339_seconds),
            successor: token.successor,
        }
    }
}

/// The error for an id that no token has. A text that is not an id may be a token, so the error does not repeat it:
/// errors are kept in places where tokens must not be.
pub(super) fn unknown_token(id: &str) -> Error {
    Error::NotFound(if token::is_id(id) {
        format!("There is no token with the id {id:?}. TokensList shows the tokens of a tenant.")
    } else {
        "This is not the id of a token. The id is the 11 characters after `scim_`; TokensList shows the tokens of a \
         tenant."
            .to_owned()
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn token(expires_at: u64, revoked_at: Option<u64>) -> Token {
        Token {
            id: "i".into(),
            hash: "h".into(),
            tenant: "acme".into(),
            scopes: "read".into(),
            dialect: "lenient".into(),
            label: "l".into(),
            created: 0,
            expires_at,
            last_used: None,
            revoked_at,
            successor: None,
        }
    }

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

    #[test]
    fn unknown_token_error_repeats_an_id_and_no_token() {
        let new = token::generate([1; 8], [2; 32]);
        let id = new.id.clone();
        let whole = new.to_string();
        assert!(unknown_token(&id).to_string().contains(&id));
        for sent in
            [&whole, &whole["scim_".len()..], &whole["scim_".len() + id.len() + 1..], &format!("Bearer {whole}")]
        {
            let detail = unknown_token(sent).to_string();
            assert!(detail.contains("not the id of a token") && !detail.contains(&whole[20..]), "{detail}");
        }
    }
}
