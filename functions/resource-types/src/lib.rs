//! GET /ResourceTypes and /ResourceTypes/{name} (RFC 7644 §4, RFC 7643 §6).

use edge::{Request, Response};
use protocol::{Error, discovery};

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    discovery::refuse_filter(request.query("filter")?)?;
    discovery::resource_type_list(request.base_url(), request.parameter("name").as_deref()).map(Response::ok)
}
