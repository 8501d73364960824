//! GET /openapi.json: what this service does, for programs that read OpenAPI. It holds nobody's data and needs no token.

use edge::{PublicRequest, Response};
use protocol::{Error, openapi};

pub async fn handle((): &(), request: PublicRequest) -> Result<Response, Error> {
    Ok(Response::document(openapi::document(request.base_url())))
}
