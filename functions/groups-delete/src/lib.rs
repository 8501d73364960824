//! DELETE /Groups/{id} (RFC 7644 §3.6).

use edge::{Request, Response};
use protocol::Error;
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let context =
        Context { directory, caller: request.caller(), base_url: request.base_url(), deadline: request.deadline() };
    let reply = service::delete(&context, Kind::Group, &request.id(), &request.precondition()).await?;
    Ok(Response::new(reply.status, reply.location, reply.version, reply.body))
}
