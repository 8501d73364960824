//! API Gateway's part in a request: it routes and authorizes a request and invokes the function, or rejects the
//! request with a gateway response of template.yaml. It returns the function's response unchanged.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use store::Directory;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::event::ApiRequest;
use crate::policy::AuthorizerResponse;
use crate::redact::Redactor;
use crate::routes::Routes;
use crate::template::{Api, TemplateError};
use crate::{functions, iam};

/// The largest request body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// API Gateway's integration timeout. It limits the wait for a free slot and the run of the function separately.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);
/// More concurrent requests would share the same cores, and each of them uses memory.
const MAX_CONCURRENT_REQUESTS: usize = 32;

/// The API of template.yaml over one directory.
pub struct Gateway {
    api: Api,
    routes: Routes,
    redactor: Redactor,
    directory: &'static Directory,
    /// Host and port.
    address: String,
    permits: Semaphore,
}

/// The type of an error response of the gateway itself, as API Gateway names it.
pub type GatewayResponseType = &'static str;

/// Every type of error response that this gateway returns.
const GATEWAY_RESPONSE_TYPES: [GatewayResponseType; 7] = [
    "MISSING_AUTHENTICATION_TOKEN",
    "UNAUTHORIZED",
    "ACCESS_DENIED",
    "AUTHORIZER_FAILURE",
    "REQUEST_TOO_LARGE",
    "INTEGRATION_TIMEOUT",
    "DEFAULT_5XX",
];

/// A request that was routed and authorized. It counts as a concurrent request until it is dropped.
pub struct Invocation<'a> {
    directory: &'static Directory,
    /// The logical id.
    function: &'a str,
    event: Value,
    tenant: Option<String>,
    _permit: SemaphorePermit<'a>,
}

impl Gateway {
    /// Creates a gateway for this API and directory. `address` is the host and port in its URLs.
    ///
    /// # Errors
    /// [`TemplateError::Route`] and [`TemplateError::NoGatewayResponse`].
    pub fn new(api: Api, directory: &'static Directory, address: String) -> Result<Self, TemplateError> {
        if let Some(missing) =
            GATEWAY_RESPONSE_TYPES.iter().find(|response| !api.gateway_responses.contains_key(**response))
        {
            return Err(TemplateError::NoGatewayResponse(missing));
        }
        let routes = Routes::new(&api.routes)?;
        let redactor = Redactor::new(&api);
        Ok(Gateway { api, routes, redactor, directory, address, permits: Semaphore::new(MAX_CONCURRENT_REQUESTS) })
    }

    /// The base URL that an identity provider is configured with.
    pub fn base_url(&self) -> String {
        format!("http://{}/{}/v2", self.address, self.api.stage)
    }

    /// The path and query of a request without personal data.
    pub fn redact(&self, uri: &Uri) -> String {
        self.redactor.redact(uri)
    }

    /// Routes a request, reads its body and calls the authorizer.
    ///
    /// # Errors
    /// The type of the gateway response to send: see [`Gateway::response`].
    pub async fn admit(&self, request: Request) -> Result<Invocation<'_>, GatewayResponseType> {
        let (parts, body) = request.into_parts();
        let path = below_stage(&self.api.stage, parts.uri.path()).ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let destination = self.routes.find(parts.method.as_str(), path).ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let body = read_within(INTEGRATION_TIMEOUT, body).await?;
        let permit = timeout(INTEGRATION_TIMEOUT, self.permits.acquire()).await.map_err(|_| "INTEGRATION_TIMEOUT")?;
        let permit = permit.map_err(|_| "DEFAULT_5XX")?;
        let api_request = ApiRequest {
            parts: &parts,
            path,
            stage: &self.api.stage,
            destination: &destination,
            address: &self.address,
            id: uuid::Uuid::now_v7().to_string(),
        };
        let authorizer = if destination.is_public { Value::Null } else { self.authorize(&api_request).await? };
        Ok(Invocation {
            directory: self.directory,
            function: destination.function,
            tenant: authorizer.get("tenant").and_then(Value::as_str).map(str::to_owned),
            event: api_request.for_function(&authorizer, &body),
            _permit: permit,
        })
    }

    /// The context that the authorizer returns for the function.
    async fn authorize(&self, request: &ApiRequest<'_>) -> Result<Value, GatewayResponseType> {
        let presented = request.parts.headers.get(header::AUTHORIZATION);
        if presented.is_none_or(|value| value.as_bytes().trim_ascii().is_empty()) {
            return Err("UNAUTHORIZED");
        }
        let work = edge::invoke_event(self.directory, authorizer::handle, request.for_authorizer(), Some(&request.id));
        let response = iam::as_function("Authorizer", work).await.map_err(|_| "AUTHORIZER_FAILURE")?;
        let response: AuthorizerResponse = serde_json::from_value(response).map_err(|_| "AUTHORIZER_FAILURE")?;
        if response.allows(&request.method_arn()) { Ok(response.context()) } else { Err("ACCESS_DENIED") }
    }

    /// The response to a rejected request, as the template declares it.
    pub fn response(&self, response_type: GatewayResponseType) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        // `new` has made sure that the template has a response for each type.
        if let Some(declared) = self.api.gateway_responses.get(response_type) {
            *response.body_mut() = Body::from(declared.body().to_owned());
            *response.status_mut() = StatusCode::from_u16(declared.status_code).unwrap_or(response.status());
            for (name, value) in declared.headers() {
                append_header(&mut response, name, value);
            }
        }
        response
    }
}

impl Invocation<'_> {
    /// The tenant of the caller; `None` if the route needs no token.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Runs the function with its own IAM policy.
    ///
    /// # Errors
    /// The type of the gateway response to send: see [`Gateway::response`].
    pub async fn run(self) -> Result<Response, GatewayResponseType> {
        let work = functions::invoke(self.function, self.directory, self.event).ok_or("DEFAULT_5XX")?;
        let work = AssertUnwindSafe(iam::as_function(self.function, work)).catch_unwind();
        let outcome = timeout(INTEGRATION_TIMEOUT, work).await.map_err(|_| "INTEGRATION_TIMEOUT")?;
        let answer = outcome.ok().and_then(Result::ok).ok_or("DEFAULT_5XX")?;
        to_response(&answer).ok_or("DEFAULT_5XX")
    }
}

/// The path below the stage.
fn below_stage<'a>(stage: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Reads the whole body. A client that stops in the middle of it is not waited for.
async fn read_within(limit: Duration, body: Body) -> Result<Vec<u8>, GatewayResponseType> {
    timeout(limit, read(body)).await.map_err(|_| "INTEGRATION_TIMEOUT")?
}

/// Reads the whole body. One that is too large is still read, up to ten times the limit, because many clients read
/// no response before they have sent everything.
async fn read(body: Body) -> Result<Vec<u8>, GatewayResponseType> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = stream.next().await {
        // The client has disconnected and will not read the response.
        let chunk = chunk.map_err(|_| "DEFAULT_5XX")?;
        length += chunk.len();
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&chunk);
        } else if length > 10 * MAX_BODY_BYTES {
            break;
        }
    }
    if length > MAX_BODY_BYTES { Err("REQUEST_TOO_LARGE") } else { Ok(bytes) }
}

/// Converts the response of a Lambda proxy integration to HTTP.
fn to_response(answer: &Value) -> Option<Response> {
    let status = u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?;
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => BASE64_STANDARD.decode(body).ok()?,
        _ => body.as_bytes().to_vec(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        append_header(&mut response, name, value.as_str()?);
    }
    for (name, values) in answer.get("multiValueHeaders").and_then(Value::as_object).into_iter().flatten() {
        for value in values.as_array()? {
            append_header(&mut response, name, value.as_str()?);
        }
    }
    Some(response)
}

/// A header that HTTP does not allow is left out.
fn append_header(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use serde_json::json;

    use super::*;

    #[test]
    fn stage_is_the_first_segment_of_the_path() {
        for (path, expect) in [
            ("/scim/v2/Users", Some("/v2/Users")),
            ("/scim/", Some("/")),
            ("/scim", Some("")),
            ("/scimitar/v2", None),
            ("/v2/Users", None),
            ("/", None),
        ] {
            assert_eq!(below_stage("scim", path), expect, "{path}");
        }
    }

    #[tokio::test]
    async fn body_that_never_ends_is_given_up() {
        let begun = [Ok::<_, std::io::Error>("{")];
        let body = Body::from_stream(stream::iter(begun).chain(stream::pending()));
        assert_eq!(read_within(Duration::from_millis(20), body).await, Err("INTEGRATION_TIMEOUT"));
    }

    #[tokio::test]
    async fn function_response_is_passed_on_unchanged() {
        let answer = json!({
            "statusCode": 201, "headers": {"a": "1"}, "multiValueHeaders": {"b": ["2", "3"]}, "body": "é", "isBase64Encoded": false,
        });
        let response = to_response(&answer).unwrap();
        assert_eq!(response.status(), 201);
        let values = |name| response.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        assert_eq!((values("a"), values("b")), (vec![&b"1"[..]], vec![&b"2"[..], &b"3"[..]]));
        let packed = to_response(&json!({"statusCode": 200, "body": "/wA=", "isBase64Encoded": true})).unwrap();
        assert_eq!(read(packed.into_body()).await, Ok(vec![255, 0]));
        assert!(to_response(&json!({"statusCode": 200, "body": "%", "isBase64Encoded": true})).is_none());
        assert!(to_response(&json!({"statusCode": "201"})).is_none() && to_response(&json!({})).is_none());
    }

    #[tokio::test]
    async fn oversized_body_is_refused() {
        assert_eq!(read(Body::from(vec![1; MAX_BODY_BYTES])).await.map(|bytes| bytes.len()), Ok(MAX_BODY_BYTES));
        assert_eq!(read(Body::from(vec![1; MAX_BODY_BYTES + 1])).await, Err("REQUEST_TOO_LARGE"));
    }
}
