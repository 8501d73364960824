//! Revokes a token: `{"id": "…"}`.

use protocol::Error;
use service::tokens::{About, Revoke, revoke};
use store::Directory;

pub async fn handle(directory: &Directory, event: Revoke) -> Result<About, Error> {
    revoke(directory, event).await
}
