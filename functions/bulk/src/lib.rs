//! POST /Bulk (RFC 7644 §3.7).

use edge::{Request, Response};
use protocol::Error;
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let context =
        Context { directory, caller: request.caller(), base_url: request.base_url(), deadline: request.deadline() };
    let body = request.bulk_body()?;
    let reply = service::bulk(&context, &body).await?;
    Ok(Response::ok(reply))
}
