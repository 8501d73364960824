//! PUT /Users/{id} (RFC 7644 §3.5.1).

use edge::Request;
use protocol::{Error, Reply};
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Reply, Error> {
    let context = Context::new(directory, request.exchange());
    let body = request.json_body()?;
    let projection = request.projection()?;
    service::replace(&context, Kind::User, &request.id(), &body, &projection, &request.precondition()).await
}
