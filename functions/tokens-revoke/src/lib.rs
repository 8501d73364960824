//! Revokes a token: `{"id": "…"}`.

use protocol::Error;
use service::tokens::{RevokeRequest, TokenMetadata, revoke};
use store::Directory;

pub async fn handle(directory: &Directory, event: RevokeRequest) -> Result<TokenMetadata, Error> {
    revoke(directory, event).await
}
