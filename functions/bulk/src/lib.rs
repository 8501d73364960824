//! POST /Bulk (RFC 7644 §3.7).

use std::time::{Duration, Instant};

use edge::{Request, Response};
use protocol::Error;
use service::Context;
use store::Directory;

/// API Gateway waits 29 seconds for an answer, and some of them go to the authorizer and to a cold start.
const TIME: Duration = Duration::from_secs(26);

pub async fn handle(directory: &Directory, request: Request) -> Result<Response, Error> {
    let until = Instant::now() + TIME;
    let context = Context { directory, caller: request.caller(), base_url: request.base_url() };
    let body = request.bulk_body()?;
    let reply = service::bulk(&context, &body, until).await?;
    Ok(Response::ok(reply))
}
