//! PATCH /Users/{id} (RFC 7644 §3.5.2).

use edge::{Request, Response};
use protocol::Error;
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let context = Context::new(directory, request.exchange());
    let body = request.json_body()?;
    let projection = request.projection()?;
    let reply =
        service::patch(&context, Kind::User, &request.id(), &body, &projection, &request.precondition()).await?;
    Ok(Response::from(reply).apply_prefer(&request))
}
