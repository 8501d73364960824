//! Every request without an operation. At a known path, OPTIONS returns the supported methods and other methods
//! return 405 with `Allow`; other paths return 404 (RFC 9110 §9.3.7, §15.5).

use edge::{Request, Response};
use protocol::{Error, allowed};

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    match allowed(request.path()) {
        Some(allow) if request.method() == "OPTIONS" => Ok(Response::options(allow)),
        Some(allow) => Err(Error::MethodNotAllowed { allow }),
        None => Err(Error::NotFound(
            "There is nothing at this URL. The base URL ends in /scim/v2, followed by paths such as /Users and /Groups."
                .to_owned(),
        )),
    }
}
