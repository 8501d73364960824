//! Issues a successor of a token, which remains valid for some hours: `{"id": "…", "overlapHours": 24}`.

use protocol::Error;
use service::tokens::{IssuedToken, RotateRequest, rotate};
use store::Directory;

pub async fn handle(directory: &Directory, event: RotateRequest) -> Result<IssuedToken, Error> {
    rotate(directory, event).await
}
