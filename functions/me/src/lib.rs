//! Every method of /Me (RFC 7644 §3.11), the alias for the resource of the authenticated user, which returns 501.

use edge::{Request, Response};
use protocol::Error;

pub async fn handle((): &(), _: Request) -> Result<Response, Error> {
    Err(Error::NotImplemented(
        "A token of this service belongs to an identity provider, not to a user, so /Me has no resource. Use /Users, \
         with the id or a filter such as userName eq \"…\"."
            .to_owned(),
    ))
}
