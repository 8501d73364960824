//! GET /Schemas and /Schemas/{urn} (RFC 7644 §4, RFC 7643 §7).

use edge::{Request, Response};
use protocol::{Error, discovery};

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    discovery::refuse_filter(request.query("filter")?)?;
    discovery::schema_list(request.base_url(), request.parameter("urn").as_deref()).map(Response::ok)
}
