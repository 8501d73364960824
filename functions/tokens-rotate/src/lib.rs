//! Issues a token like another, which works for some hours more: `{"id": "…", "overlapHours": 24}`.

use protocol::Error;
use service::tokens::{Issued, Rotate, rotate};
use store::Directory;

pub async fn handle(directory: &Directory, event: Rotate) -> Result<Issued, Error> {
    rotate(directory, event).await
}
