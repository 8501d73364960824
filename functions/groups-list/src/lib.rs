//! GET /Groups (RFC 7644 §3.4.2).

use edge::Request;
use protocol::{Error, Reply};
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Reply, Error> {
    let context = Context::new(directory, request.exchange());
    service::list(&context, &request.list_query(&[Kind::Group])?).await
}
