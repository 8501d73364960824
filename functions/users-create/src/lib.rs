//! POST /Users (RFC 7644 §3.3).

use edge::Request;
use protocol::{Error, Reply};
use schema::Kind;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Reply, Error> {
    let context = Context::new(directory, request.exchange());
    service::create(&context, Kind::User, &request.json_body()?, &request.projection()?).await
}
