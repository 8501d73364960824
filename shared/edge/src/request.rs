//! A request as a handler receives it: the caller is authenticated and its token allows the request (RFC 7644 §2).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::{HeaderMap, Method};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use percent_encoding::percent_decode_str;
use protocol::{Caller, Error, Exchange};
use schema::{ResourceId, Restriction};

use crate::url;

/// API Gateway waits 29 seconds for a response, including the authorizer and a cold start.
const RESPONSE_BUDGET: Duration = Duration::from_secs(protocol::limits::RESPONSE_SECONDS);

/// An authenticated request that the token's scopes allow. Only [`FromRequest`] makes one.
#[derive(Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) parameters: HashMap<String, String>,
    pub(crate) query: QueryMap,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) base_url: String,
    pub(crate) caller: Caller,
    pub(crate) deadline: Instant,
}

/// An unauthenticated request. Only the base URL is read from it.
#[derive(Debug)]
pub struct PublicRequest {
    base_url: String,
}

impl PublicRequest {
    /// The URL to which `/Users` is appended, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// The request types of handlers. The type decides whether the caller has to be authenticated.
pub trait FromRequest: Send + Sized + 'static {
    /// Reads the request that API Gateway sent.
    ///
    /// # Errors
    /// The reason to reject the request before the handler runs.
    fn from_request(event: lambda_http::Request) -> Result<Self, Error>;

    /// The authenticated caller.
    fn caller(&self) -> Option<&Caller>;

    /// The resource that the path names.
    fn resource(&self) -> Option<ResourceId>;
}

impl FromRequest for PublicRequest {
    fn from_request(event: lambda_http::Request) -> Result<Self, Error> {
        let Some(RequestContext::ApiGatewayV1(context)) = event.extensions().request_context_ref() else {
            return Err(unknown_caller());
        };
        let path = path(context.resource_path.as_deref().unwrap_or_default(), &HashMap::new());
        Ok(PublicRequest { base_url: url::base_url(context, event.headers(), &path) })
    }

    fn caller(&self) -> Option<&Caller> {
        None
    }

    fn resource(&self) -> Option<ResourceId> {
        None
    }
}

impl FromRequest for Request {
    /// # Errors
    /// [`Error::Unauthorized`] without the authorizer's context, [`Error::InsufficientScope`] where the token's scopes
    /// do not allow the request, [`Error::InvalidSyntax`] for a URL that is not UTF-8, and
    /// [`Error::PreconditionFailed`] for a condition that cannot hold.
    fn from_request(event: lambda_http::Request) -> Result<Request, Error> {
        let extensions = event.extensions();
        let Some(RequestContext::ApiGatewayV1(context)) = extensions.request_context_ref() else {
            return Err(unknown_caller());
        };
        let caller = caller(context).ok_or_else(unknown_caller)?;
        let parameters = extensions.path_parameters();
        let parameters: HashMap<String, String> =
            parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let path = path(context.resource_path.as_deref().unwrap_or_default(), &parameters);
        let base_url = url::base_url(context, event.headers(), &path);
        let query = extensions.query_string_parameters();
        let (parts, body) = event.into_parts();
        check_scopes(&caller, &parts.method, &path)?;
        check_encoding(&parameters, &query)?;
        check_conditions(&caller, &parts.method, &path, &parts.headers)?;
        Ok(Request {
            method: parts.method,
            path,
            parameters,
            query,
            headers: parts.headers,
            body,
            base_url,
            caller,
            deadline: Instant::now() + RESPONSE_BUDGET,
        })
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }

    fn resource(&self) -> Option<ResourceId> {
        ResourceId::parse(&self.id())
    }
}

impl Request {
    /// The HTTP method, such as `GET`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path relative to the stage, such as `/v2/Users/1`, percent-encoded as it was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL to which `/Users` is appended, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The authenticated caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller, base URL and deadline, for an operation of `service`.
    pub fn exchange(&self) -> Exchange<'_> {
        Exchange { caller: &self.caller, base_url: &self.base_url, deadline: self.deadline }
    }

    /// A path parameter, percent-decoded, by its name in the template.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let value = self.parameters.get(name)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// The path parameter `id`.
    pub fn id(&self) -> String {
        self.parameter("id").unwrap_or_default()
    }

    /// A header's value, if it is ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The caller in the context that the authorizer returned to API Gateway.
pub(crate) fn caller(context: &ApiGatewayProxyRequestContext) -> Option<Caller> {
    let field = |name| context.authorizer.fields.get(name)?.as_str();
    Caller::from_context(field("tenant")?, field("token")?, field("scopes")?, field("dialect"))
}

fn unknown_caller() -> Error {
    Error::Unauthorized(
        "The request reached the service without a valid bearer token. Send `Authorization: Bearer <token>`."
            .to_owned(),
    )
}

/// GET, HEAD, OPTIONS and search by POST (RFC 7644 §3.4.3) need the scope `read`; everything else needs `write`.
fn check_scopes(caller: &Caller, method: &Method, path: &str) -> Result<(), Error> {
    let reads = method == Method::POST && is_search(path)
        || method == Method::GET
        || method == Method::HEAD
        || method == Method::OPTIONS;
    let (is_allowed, scope) = if reads { (caller.scopes.read, "read") } else { (caller.scopes.write, "write") };
    if is_allowed {
        return Ok(());
    }
    Err(Error::InsufficientScope { scope })
}

/// Rejects a path or a query that is not UTF-8 after percent-decoding (RFC 3986 §2.5): the service would look for
/// another text. API Gateway decodes the query, and puts U+FFFD in the place of bytes that are not UTF-8.
fn check_encoding(parameters: &HashMap<String, String>, query: &QueryMap) -> Result<(), Error> {
    let is_text = |text: &str| !text.contains(char::REPLACEMENT_CHARACTER);
    let is_utf_8 = |value: &String| percent_decode_str(value).decode_utf8().is_ok_and(|text| is_text(&text));
    if parameters.values().all(is_utf_8) && query.iter().all(|(name, value)| is_text(name) && is_text(value)) {
        return Ok(());
    }
    Err(Error::InvalidSyntax(
        "The URL is not UTF-8 after percent-decoding, or contains U+FFFD (the replacement character). Encode it as \
         UTF-8."
            .to_owned(),
    ))
}

/// Rejects conditions that the service does not evaluate for a request: a creation has no version to compare, and a
/// client that sends `If-Match` does not expect a creation without a comparison (RFC 9110 §13.1.1).
fn check_conditions(caller: &Caller, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Error> {
    for name in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"] {
        if headers.contains_key(name) {
            caller.dialect.restrict(Restriction::ConditionalRequest, name)?;
        }
    }
    let creates = method == Method::POST && ["/Users", "/Groups", "/Bulk"].iter().any(|end| path.ends_with(end));
    if creates && headers.contains_key("if-match") {
        return Err(Error::PreconditionFailed(
            "The request has If-Match, but POST has no version to compare with. Send it without If-Match; in a bulk \
             request, send `version` with an operation."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Whether a POST to this path is a search (RFC 7644 §3.4.3).
fn is_search(path: &str) -> bool {
    path.ends_with("/.search")
}

/// The route's path with its parameters filled in. It does not depend on the stage or the domain.
fn path(resource: &str, parameters: &HashMap<String, String>) -> String {
    let fill = |segment: &str| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let value = name.and_then(|name| parameters.get(name.trim_end_matches('+')));
        value.map_or_else(|| segment.to_owned(), |value| value.trim_matches('/').to_owned())
    };
    let segments: Vec<String> = resource.split('/').filter(|segment| !segment.is_empty()).map(fill).collect();
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The event of a request to `/v2/Users/{id}`, which tests modify.
    pub(crate) fn event() -> Value {
        json!({
            "resource": "/v2/Users/{id}",
            "path": "/v2/Users/a%20b",
            "httpMethod": "PATCH",
            "headers": {"Content-Type": "application/scim+json; charset=utf-8", "Host": "api.example"},
            "multiValueHeaders": {"Content-Type": ["application/scim+json; charset=utf-8"], "Host": ["api.example"]},
            "queryStringParameters": {"count": "2"},
            "multiValueQueryStringParameters": {"count": ["2"]},
            "pathParameters": {"id": "a%20b"},
            "stageVariables": null,
            "requestContext": {
                "resourcePath": "/v2/Users/{id}", "path": "/scim/v2/Users/a%20b", "stage": "scim",
                "domainName": "api.example", "httpMethod": "PATCH", "requestId": "r-1", "identity": {},
                "authorizer": {"tenant": "acme", "token": "t-1", "scopes": "read write", "integrationLatency": 3},
            },
            "body": "{\"active\": false}",
            "isBase64Encoded": false,
        })
    }

    pub(crate) fn from_request(event: &Value) -> Result<Request, Error> {
        Request::from_request(lambda_http::request::from_str(&event.to_string()).unwrap())
    }

    #[test]
    fn request_is_read_from_api_gateways_event() {
        let request = from_request(&event()).unwrap();
        assert_eq!((request.method(), request.path()), ("PATCH", "/v2/Users/a%20b"));
        assert_eq!(request.id(), "a b");
        assert_eq!(request.base_url(), "https://api.example/scim/v2");
        assert_eq!(request.caller().tenant.as_str(), "acme");
        assert_eq!(request.header("CONTENT-TYPE"), Some("application/scim+json; charset=utf-8"));
    }

    #[test]
    fn request_without_authorizer_context_returns_401() {
        for context in [
            json!(null),
            json!({}),
            json!({"tenant": "acme", "token": "t"}),
            json!({"tenant": "", "token": "t", "scopes": "read"}),
            json!({"tenant": "acme", "token": "t", "scopes": "admin"}),
            json!({"tenant": 1, "token": "t", "scopes": "read"}),
        ] {
            let mut event = event();
            event["requestContext"]["authorizer"] = context.clone();
            assert_eq!(from_request(&event).map(drop).map_err(|error| error.status()), Err(401), "{context}");
        }
    }

    #[test]
    fn public_request_has_a_base_url_and_no_caller() {
        let mut event = event();
        event["requestContext"]["authorizer"] = Value::Null;
        event["requestContext"]["resourcePath"] = json!("/v2/openapi.json");
        event["requestContext"]["path"] = json!("/scim/v2/openapi.json");
        let admitted =
            PublicRequest::from_request(lambda_http::request::from_str(&event.to_string()).unwrap()).unwrap();
        assert_eq!(admitted.base_url(), "https://api.example/scim/v2");
        assert!(admitted.caller().is_none() && admitted.resource().is_none());
    }

    #[test]
    fn scopes_decide_which_methods_are_allowed() {
        let search = "/v2/Users/.search";
        for (scopes, method, resource, expect) in [
            ("read", "GET", "/v2/Users", true),
            ("read", "HEAD", "/v2/Users", true),
            ("read", "OPTIONS", "/v2/Users", true),
            ("read", "POST", search, true),
            ("read", "POST", "/v2/.search", true),
            ("read", "POST", "/v2/Users", false),
            ("read", "PUT", search, false),
            ("read", "DELETE", "/v2/Users/{id}", false),
            ("write", "GET", "/v2/Users", false),
            ("write", "POST", search, false),
            ("write", "PATCH", "/v2/Users/{id}", true),
            ("read write", "PATCH", "/v2/Users/{id}", true),
        ] {
            let mut event = event();
            event["httpMethod"] = method.into();
            event["requestContext"]["resourcePath"] = resource.into();
            event["requestContext"]["authorizer"]["scopes"] = scopes.into();
            let scope = if scopes == "read" { "write" } else { "read" };
            let expect = if expect { Ok(()) } else { Err(Error::InsufficientScope { scope }) };
            assert_eq!(from_request(&event).map(drop), expect, "{scopes} {method} {resource}");
        }
        let challenge = Error::InsufficientScope { scope: "write" }.challenge();
        assert_eq!(challenge.as_deref(), Some("Bearer error=\"insufficient_scope\", scope=\"write\""));
    }

    #[test]
    fn url_that_is_not_utf_8_returns_400() {
        for (id, name, value, expect) in [
            ("a%C3%A9", "filter", "userName eq \"josé\"", Ok(())),
            ("a%E9", "filter", "x", Err(400)),
            ("a%EF%BF%BD", "filter", "x", Err(400)),
            ("a", "filter", "userName eq \"jos\u{fffd}\"", Err(400)),
            ("a", "attributes", "\u{fffd}", Err(400)),
            ("a", "filt\u{fffd}r", "x", Err(400)),
        ] {
            let mut event = event();
            event["pathParameters"]["id"] = json!(id);
            event["queryStringParameters"] = Value::Null;
            event["multiValueQueryStringParameters"] = json!({name: [value]});
            assert_eq!(from_request(&event).map(drop).map_err(|error| error.status()), expect, "{id} {name} {value}");
        }
    }

    #[test]
    fn condition_that_cannot_hold_is_refused() {
        let status = |method: &str, resource: &str, header: &str, dialect: &str| {
            let mut event = event();
            event["httpMethod"] = json!(method);
            event["requestContext"]["resourcePath"] = json!(resource);
            event["requestContext"]["authorizer"]["dialect"] = json!(dialect);
            event["multiValueHeaders"] = json!({header: ["W/\"1\""]});
            from_request(&event).map_or_else(|error| error.status(), |_| 200)
        };
        assert_eq!(status("POST", "/v2/Users", "If-Match", "lenient"), 412);
        assert_eq!(status("POST", "/v2/Bulk", "If-Match", "lenient"), 412);
        assert_eq!(status("POST", "/v2/Users/.search", "If-Match", "lenient"), 200);
        assert_eq!(status("POST", "/v2/Users/{id}", "If-Match", "lenient"), 200, "the method is not allowed");
        assert_eq!(status("POST", "/v2/Users", "If-None-Match", "lenient"), 200);
        assert_eq!(status("PATCH", "/v2/Users/{id}", "If-Match", "strict"), 200);
        for header in ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"] {
            assert_eq!(status("PATCH", "/v2/Users/{id}", header, "interop"), 400, "{header}");
        }
    }

    #[test]
    fn path_parameters_are_filled_into_the_route() {
        let parameters =
            HashMap::from([("id", "1"), ("proxy", "v2/Users/1/")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        for (resource, expect) in
            [("/v2/Users/{id}", "/v2/Users/1"), ("/{proxy+}", "/v2/Users/1"), ("/", "/"), ("/v2/{x}", "/v2/{x}")]
        {
            assert_eq!(path(resource, &parameters), expect);
        }
    }
}
