//! Every method of /Me (RFC 7644 §3.11), which stands for the resource of whoever is authenticated.

use edge::{Request, Response};
use protocol::Error;

pub async fn handle((): &(), _: Request) -> Result<Response, Error> {
    Err(Error::NotImplemented(
        "A token of this service is an identity provider's and no user's, so there is nobody whom /Me could stand for. Use \
         /Users, with a filter such as userName eq \"…\" or the id."
            .to_owned(),
    ))
}
