//! Issues a token like another, which works for some hours more: `{"id": "…", "overlapHours": 24}`.

use protocol::Error;
use service::tokens::{IssuedToken, RotateRequest, rotate};
use store::Directory;

pub async fn handle(directory: &Directory, event: RotateRequest) -> Result<IssuedToken, Error> {
    rotate(directory, event).await
}
