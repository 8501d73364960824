//! GET /ServiceProviderConfig (RFC 7644 §4, RFC 7643 §5).

use edge::{Request, Response};
use protocol::{Error, discovery};

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    discovery::refuse_filter(request.query("filter")?)?;
    Ok(Response::ok(discovery::service_provider_config(request.base_url(), &request.caller().dialect)))
}
