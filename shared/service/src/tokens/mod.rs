//! Bearer tokens (RFC 6750): operators issue, list, rotate and revoke them, and the authorizer checks them.
//!
//! A token is shown once, when it is issued. Afterwards only its hash is stored.

mod authorize;
mod expiring;
mod issue;
mod metadata;

use jiff::Timestamp;
use protocol::{Error, token};
use serde::{Deserialize, Serialize};
use store::{Directory, Error as StoreError};

use crate::clock::now_seconds;
use crate::error::to_client_error;

pub use authorize::authorize;
pub use expiring::{ExpiringToken, HORIZONS, expiring};
pub use issue::{IssueRequest, IssuedToken, RotateRequest, issue, rotate};
pub use metadata::{TokenMetadata, TokenState};

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The tenant whose tokens are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    pub tenant: String,
}

/// The token to revoke.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    pub id: String,
}

/// The tokens of a tenant.
#[derive(Debug, Serialize)]
pub struct TokenList {
    pub tokens: Vec<TokenMetadata>,
}

/// Lists the tokens of a tenant, the newest first.
///
/// # Errors
/// The errors of the store.
pub async fn list(directory: &Directory, request: ListRequest) -> Result<TokenList, Error> {
    let mut tokens = directory.list_tokens().await.map_err(to_client_error)?;
    tokens.retain(|token| token.tenant == request.tenant);
    tokens.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    let now = now_seconds();
    Ok(TokenList { tokens: tokens.into_iter().map(|token| TokenMetadata::new(token, now)).collect() })
}

/// Revokes a token permanently. It may still work until the authorizer result that API Gateway has cached for it
/// expires.
///
/// # Errors
/// [`Error::NotFound`] for an id that no token has.
pub async fn revoke(directory: &Directory, request: RevokeRequest) -> Result<TokenMetadata, Error> {
    match directory.revoke(&request.id, now_seconds()).await {
        Err(StoreError::Missing) => return Err(unknown_token(&request.id)),
        revoked => revoked.map_err(to_client_error)?,
    }
    let token = directory.get_token(&request.id).await.map_err(to_client_error)?;
    token.map(|token| TokenMetadata::new(token, now_seconds())).ok_or_else(|| unknown_token(&request.id))
}

/// The error for an id that no token has. A text that is not an id may be a token, so the error does not repeat it:
/// errors are kept in places where tokens must not be.
fn unknown_token(id: &str) -> Error {
    Error::NotFound(if token::is_id(id) {
        format!("There is no token with the id {id:?}. TokensList shows the tokens of a tenant.")
    } else {
        "This is not the id of a token. The id is the 11 characters after `scim_`; TokensList shows the tokens of a tenant."
            .to_owned()
    })
}

/// Seconds since 1970 as an RFC 3339 text.
fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use store::Token;

    use super::*;

    pub(super) fn token(expires_at: u64, revoked_at: Option<u64>) -> Token {
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
