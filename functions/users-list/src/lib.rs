//! GET /Users (RFC 7644 §3.4.2).

use edge::{Request, Response};
use protocol::Error;
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let context =
        Context { directory, caller: request.caller(), base_url: request.base_url(), deadline: request.deadline() };
    let reply = service::list(&context, &request.list_query(&[Kind::User])?).await?;
    Ok(Response::new(reply.status, reply.location, reply.version, reply.body))
}
