//! GET /openapi.json: what this service does, for programs that read OpenAPI. It holds nobody's data and needs no token.

use edge::{Anonymous, Response};
use protocol::{Error, openapi};

pub async fn handle((): &(), request: Anonymous) -> Result<Response, Error> {
    Ok(Response::document(openapi::document(request.base_url())))
}
