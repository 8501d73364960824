//! GET /openapi.json: the OpenAPI document of this service. It contains no tenant's data and needs no token.
#![expect(
    clippy::indexing_slicing,
    reason = "only JSON objects that this crate built are indexed, and there an index inserts a member"
)]

mod component;
mod document;
mod message;
mod operation;
mod reference;

use edge::{PublicRequest, Response};
use protocol::Error;

pub async fn handle((): &(), request: PublicRequest) -> Result<Response, Error> {
    Ok(Response::document(document::document(request.base_url())))
}
