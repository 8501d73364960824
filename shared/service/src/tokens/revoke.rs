//! Revokes a token.

use protocol::Error;
use serde::Deserialize;
use store::{Directory, Error as StoreError};

use super::metadata::{TokenMetadata, unknown_token};
use crate::clock::now_seconds;
use crate::error::to_client_error;

/// The token to revoke.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    pub id: String,
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
