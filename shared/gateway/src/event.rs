//! The events that API Gateway sends to the authorizer and to a function.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::routes::Destination;

/// The ARN of the API, without the stage.
const API: &str = "arn:aws:execute-api:us-east-1:123456789012:local";

/// A request as API Gateway describes it.
pub(crate) struct ApiRequest<'a> {
    pub(crate) parts: &'a Parts,
    /// The path below the stage, still percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) stage: &'a str,
    pub(crate) destination: &'a Destination<'a>,
    /// The address that the gateway listens on, for a client that sends no host.
    pub(crate) address: &'a str,
    pub(crate) id: String,
}

impl ApiRequest<'_> {
    /// The ARN of the method that is called, for policies.
    pub(crate) fn method_arn(&self) -> String {
        format!("{API}/{}/{}{}", self.stage, self.parts.method, self.path)
    }

    /// The event of a REQUEST authorizer.
    pub(crate) fn for_authorizer(&self) -> Value {
        let mut event = self.common(&Value::Null);
        event.insert("type".to_owned(), json!("REQUEST"));
        event.insert("methodArn".to_owned(), json!(self.method_arn()));
        Value::Object(event)
    }

    /// The event of a Lambda proxy integration. `authorizer` is the context that the authorizer returned.
    pub(crate) fn for_function(&self, authorizer: &Value, body: &[u8]) -> Value {
        let mut event = self.common(authorizer);
        // The template declares every media type as binary.
        let encoded = (!body.is_empty()).then(|| BASE64_STANDARD.encode(body));
        event.insert("isBase64Encoded".to_owned(), json!(encoded.is_some()));
        event.insert("body".to_owned(), json!(encoded));
        Value::Object(event)
    }

    fn common(&self, authorizer: &Value) -> Map<String, Value> {
        let query = form_urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let headers = headers(&self.parts.headers);
        let event = [
            ("resource", json!(self.destination.resource)),
            ("path", json!(self.path)),
            ("httpMethod", json!(self.parts.method.as_str())),
            ("headers", last_values(&headers)),
            ("multiValueHeaders", all_values(&headers)),
            ("queryStringParameters", last_values(&query)),
            ("multiValueQueryStringParameters", all_values(&query)),
            ("pathParameters", last_values(&self.destination.parameters)),
            ("stageVariables", Value::Null),
            ("requestContext", self.context(authorizer)),
        ];
        event.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn context(&self, authorizer: &Value) -> Value {
        let user_agent =
            self.parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let now = Timestamp::now();
        json!({
            "accountId": "123456789012",
            "apiId": "local",
            "authorizer": authorizer,
            "domainName": host(&self.parts.headers).unwrap_or(self.address),
            "extendedRequestId": self.id,
            "httpMethod": self.parts.method.as_str(),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": user_agent},
            "path": format!("/{}{}", self.stage, self.path),
            "protocol": "HTTP/1.1",
            "requestId": self.id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "resourceId": "local",
            "resourcePath": self.destination.resource,
            "stage": self.stage,
        })
    }
}

/// The host that the client called, if it is valid in a URL.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    edge::is_host(host).then_some(host)
}

/// The headers of the request and those that API Gateway adds. A tunnel in front of this gateway has set
/// `x-forwarded-proto` already.
fn headers(sent: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut headers: Vec<_> = sent.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    if !sent.contains_key("x-forwarded-proto") {
        headers.push(("x-forwarded-proto".to_owned(), "http".to_owned()));
    }
    // A host that is not valid in a URL is not passed on.
    headers.retain(|(name, _)| name != header::HOST.as_str() || host(sent).is_some());
    headers
}

/// The last value of each name; null if there are no names.
fn last_values(pairs: &[(String, String)]) -> Value {
    let map: Map<String, Value> = pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// All values of each name; null if there are no names.
fn all_values(pairs: &[(String, String)]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        if let Value::Array(values) = map.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn check(request: Request<()>, path: &str, assert: impl Fn(&ApiRequest<'_>)) {
        let (parts, ()) = request.into_parts();
        let parameters = vec![("id".to_owned(), "a%20b".to_owned())];
        let destination =
            Destination { function: "UsersGet", resource: "/v2/Users/{id}", parameters, is_public: false };
        assert(&ApiRequest {
            parts: &parts,
            path,
            stage: "scim",
            destination: &destination,
            address: "127.0.0.1:3000",
            id: "r-1".to_owned(),
        });
    }

    #[test]
    fn function_gets_the_event_that_api_gateway_sends() {
        let request = Request::get("/scim/v2/Users/a%20b?filter=userName+eq%20%22a%2Bb%22&count=1&count=2&&x")
            .header("host", "localhost:3000")
            .header("accept", "a")
            .header("accept", "b")
            .body(());
        check(request.unwrap(), "/v2/Users/a%20b", |request| {
            let event = request.for_function(&json!({"tenant": "acme"}), b"{}");
            assert_eq!((&event["resource"], &event["path"]), (&json!("/v2/Users/{id}"), &json!("/v2/Users/a%20b")));
            assert_eq!(event["queryStringParameters"], json!({"filter": "userName eq \"a+b\"", "count": "2", "x": ""}));
            assert_eq!(event["multiValueQueryStringParameters"]["count"], json!(["1", "2"]));
            assert_eq!(
                (&event["headers"]["accept"], &event["multiValueHeaders"]["accept"]),
                (&json!("b"), &json!(["a", "b"]))
            );
            assert_eq!(event["headers"]["x-forwarded-proto"], "http");
            assert_eq!(event["pathParameters"], json!({"id": "a%20b"}));
            assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("e30="), &json!(true)));
            let context = &event["requestContext"];
            assert_eq!(
                (&context["path"], &context["domainName"]),
                (&json!("/scim/v2/Users/a%20b"), &json!("localhost:3000"))
            );
            assert_eq!(context["authorizer"]["tenant"], "acme");
        });
    }

    #[test]
    fn absent_parts_of_a_request_are_null() {
        let request = Request::get("/scim/v2/Users/a%20b?").header("host", "a b").body(());
        check(request.unwrap(), "/v2/Users/a%20b", |request| {
            let event = request.for_function(&Value::Null, b"");
            for name in ["queryStringParameters", "multiValueQueryStringParameters", "stageVariables", "body"] {
                assert_eq!(event[name], Value::Null, "{name}");
            }
            assert_eq!(event["requestContext"]["domainName"], "127.0.0.1:3000");
            assert_eq!(event["headers"].get("host"), None);
        });
    }

    #[test]
    fn authorizer_gets_the_arn_of_the_method() {
        check(Request::delete("/scim/v2/Users/1").body(()).unwrap(), "/v2/Users/1", |request| {
            let event = request.for_authorizer();
            assert_eq!(event["type"], "REQUEST");
            assert_eq!(event["methodArn"], format!("{API}/scim/DELETE/v2/Users/1"));
        });
    }
}
