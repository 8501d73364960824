//! Lists the tokens of a tenant, without their secrets: `{"tenant": "acme"}`.

use protocol::Error;
use service::tokens::{ListRequest, TokenList, list};
use store::Directory;

pub async fn handle(directory: &Directory, event: ListRequest) -> Result<TokenList, Error> {
    list(directory, event).await
}
