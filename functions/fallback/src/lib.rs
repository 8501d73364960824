//! Every request that no operation answers: at a known path OPTIONS says what it takes, and all else is 405 with `Allow`;
//! 404 elsewhere (RFC 9110 §9.3.7, §15.5).

use edge::{Request, Response};
use protocol::{Error, allowed};

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    match allowed(request.path()) {
        Some(allow) if request.method() == "OPTIONS" => Ok(Response::options(allow)),
        Some(allow) => Err(Error::MethodNotAllowed { allow }),
        None => Err(Error::NotFound(
            "There is nothing at this URL. The base URL ends in /v2; behind it come /Users, /Groups and the like."
                .to_owned(),
        )),
    }
}
