//! Says for API Gateway whose token a request bears, and what it allows (RFC 7644 §2, RFC 6750).
//!
//! Whatever is wrong with a token, the answer is the same. If the store does not answer there is no answer either, and
//! the gateway has one of its own; a refusal would make an identity provider give up its token.

mod policy;

use edge::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest;
use protocol::Error;
use service::tokens::authorize;
use store::Directory;

pub use policy::Answer;

pub async fn handle(
    directory: &Directory,
    event: ApiGatewayCustomAuthorizerRequestTypeRequest,
) -> Result<Answer, Error> {
    // Of two headers nobody could tell which one the client means (RFC 9110 §5.3, §11.6.2).
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
    Ok(policy::answer(caller.as_ref(), event.method_arn.as_deref().unwrap_or_default()))
}
