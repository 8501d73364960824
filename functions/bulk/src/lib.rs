//! POST /Bulk (RFC 7644 §3.7).

use edge::Request;
use protocol::{Error, Reply};
use service::Context;
use store::Directory;

pub async fn handle(directory: &Directory, request: Request) -> Result<Reply, Error> {
    let context = Context::new(directory, request.exchange());
    service::bulk(&context, &request.bulk_body()?).await
}
