//! Authenticates the bearer token of a request for API Gateway and returns what it allows (RFC 7644 §2, RFC 6750).
//!
//! Every invalid token gets the same response. If the store is unavailable, the function fails and API Gateway
//! responds with 503: a rejection would make an identity provider discard a valid token.

mod policy;

use edge::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest;
use protocol::Error;
use service::tokens::authorize;
use store::Directory;

pub use policy::AuthorizerResponse;

pub async fn handle(
    directory: &Directory,
    event: ApiGatewayCustomAuthorizerRequestTypeRequest,
) -> Result<AuthorizerResponse, Error> {
    // A request with two Authorization headers is ambiguous and is rejected (RFC 9110 §5.3, §11.6.2).
    let is_repeated = event.multi_value_headers.get_all("authorization").iter().nth(1).is_some();
    let header = event.headers.get("authorization").filter(|_| !is_repeated).and_then(|value| value.to_str().ok());
    let caller = authorize(directory, header.unwrap_or_default()).await?;
    match &caller {
        Some(caller) => {
            edge::log::record_caller(caller);
            edge::log::record_leniencies(&caller.dialect);
        }
        None => edge::metrics::record_refused_token(),
    }
    Ok(policy::response(caller.as_ref(), event.method_arn.as_deref().unwrap_or_default()))
}
