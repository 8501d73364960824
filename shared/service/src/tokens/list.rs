//! Lists the tokens of a tenant.

use protocol::Error;
use serde::{Deserialize, Serialize};
use store::Directory;

use super::metadata::TokenMetadata;
use crate::clock::now_seconds;
use crate::error::to_client_error;

/// The tenant whose tokens are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    pub tenant: String,
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
