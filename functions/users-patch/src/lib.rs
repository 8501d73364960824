//! PATCH /Users/{id} (RFC 7644 §3.5.2).

use edge::{Request, Response};
use protocol::Error;
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let context =
        Context { directory, caller: request.caller(), base_url: request.base_url(), deadline: request.deadline() };
    let (id, body) = (request.id(), request.json_body()?);
    let (projection, precondition) = (request.projection()?, request.precondition());
    let reply = service::patch(&context, Kind::User, &id, &body, &projection, &precondition).await?;
    Ok(Response::new(reply.status, reply.location, reply.version, reply.body).apply_prefer(&request))
}
