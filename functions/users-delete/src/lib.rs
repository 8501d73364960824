//! DELETE /Users/{id} (RFC 7644 §3.6).

use edge::Request;
use protocol::{Error, Reply};
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Reply, Error> {
    let context = Context::new(directory, request.exchange());
    service::delete(&context, Kind::User, &request.id(), &request.precondition()).await
}
