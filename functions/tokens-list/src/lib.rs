//! Lists the tokens of a tenant, without their secrets: `{"tenant": "acme"}`.

use protocol::Error;
use service::tokens::{List, Listed, list};
use store::Directory;

pub async fn handle(directory: &Directory, event: List) -> Result<Listed, Error> {
    list(directory, event).await
}
