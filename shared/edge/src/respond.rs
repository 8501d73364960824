//! An answer and its headers (RFC 7644 §3.1, §3.8, §3.12).

use lambda_http::Body;
use lambda_http::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use lambda_http::http::{self, StatusCode};
use protocol::Error;
use schema::Object;
use serde_json::Value;

use crate::Request;

const SCIM: &str = "application/scim+json";
const JSON: &str = "application/json";

/// What a function answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(HeaderName, String)>,
    /// Nothing with 204 and 304.
    pub body: Option<Value>,
    /// The error keyword, for the log.
    pub(crate) scim_type: Option<&'static str>,
}

impl Response {
    /// An answer with the resource's URL as `Location` and `Content-Location` (RFC 7643 §3.1, `meta.location`) and its version
    /// as `ETag`, where it has them.
    pub fn new(status: u16, location: Option<String>, version: Option<String>, body: Option<Object>) -> Self {
        let headers = [(LOCATION, location.clone()), (CONTENT_LOCATION, location), (ETAG, version)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Response { status, headers, body: body.map(Value::Object), scim_type: None }
    }

    /// 200 with a body.
    pub fn ok(body: Object) -> Self {
        Response::new(200, None, None, Some(body))
    }

    /// 204 in place of 200 with the resource, where the request prefers that.
    pub fn preferred_by(self, request: &Request) -> Self {
        if self.status != 200 || !request.is_content_with_minimal() {
            return self;
        }
        let mut headers = self.headers;
        headers.push((HeaderName::from_static("preference-applied"), "return=minimal".to_owned()));
        Response { status: 204, headers, body: None, scim_type: None }
    }

    /// As HTTP. `accept` is the request's header.
    pub(crate) fn into_http(self, accept: Option<&str>) -> http::Response<Body> {
        let media_type = if asks_for_json_alone(accept) { JSON } else { SCIM };
        let body = self.body.map(|body| body.to_string());
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            // A value that no header can hold would have to come from the gateway's own event.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            *response.body_mut() = Body::Text(body);
        }
        response
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        let challenge = (error.status() == 401).then(|| "Bearer".to_owned());
        let retry_after = error.retry_after().map(|seconds| seconds.to_string());
        let allow = error.allow().map(str::to_owned);
        let headers = [(WWW_AUTHENTICATE, challenge), (RETRY_AFTER, retry_after), (ALLOW, allow)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Response { status: error.status(), headers, body: Some(error.body()), scim_type: error.scim_type() }
    }
}

/// OneLogin asks for `application/json` and for nothing else.
fn asks_for_json_alone(accept: Option<&str>) -> bool {
    let types = accept.unwrap_or_default().split(',').map(|item| item.split(';').next().unwrap_or_default().trim());
    let mut types = types.filter(|media_type| !media_type.is_empty()).peekable();
    types.peek().is_some() && types.all(|media_type| media_type.eq_ignore_ascii_case(JSON))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::tests::{admit, event};

    fn header<'a>(response: &'a http::Response<Body>, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn the_media_type_is_scims_unless_json_alone_is_asked_for() {
        for (accept, expect) in [
            (None, SCIM),
            (Some(""), SCIM),
            (Some("*/*"), SCIM),
            (Some("application/json"), JSON),
            (Some("Application/JSON; q=0.9, application/json;charset=utf-8"), JSON),
            (Some("application/json, */*"), SCIM),
            (Some("application/scim+json, application/json"), SCIM),
            (Some("text/html"), SCIM),
        ] {
            let response = Response::ok(Object::new()).into_http(accept);
            assert_eq!(header(&response, "content-type"), Some(expect), "{accept:?}");
        }
    }

    #[test]
    fn a_resource_comes_with_its_url_and_version() {
        let body = Object::from_iter([("id".to_owned(), json!("1"))]);
        let response =
            Response::new(201, Some("https://x/1".into()), Some("W/\"1\"".into()), Some(body)).into_http(None);
        assert_eq!(response.status(), 201);
        assert_eq!(header(&response, "location"), Some("https://x/1"));
        assert_eq!(header(&response, "content-location"), Some("https://x/1"));
        assert_eq!(header(&response, "etag"), Some("W/\"1\""));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert!(matches!(response.body(), Body::Text(text) if text == "{\"id\":\"1\"}"));
    }

    #[test]
    fn no_content_has_neither_body_nor_type() {
        let response = Response::new(204, None, None, None).into_http(Some("application/json"));
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (204, None));
        assert!(matches!(response.body(), Body::Empty));
    }

    #[test]
    fn a_preferred_answer_is_short_and_keeps_its_version() {
        let mut event = event();
        event["headers"]["Prefer"] = json!("return=minimal");
        let request = admit(&event).unwrap();
        let of =
            |status| Response::new(status, None, Some("W/\"2\"".into()), Some(Object::new())).preferred_by(&request);
        let response = of(200).into_http(None);
        assert_eq!((response.status().as_u16(), header(&response, "etag")), (204, Some("W/\"2\"")));
        assert_eq!(header(&response, "preference-applied"), Some("return=minimal"));
        assert!(matches!(response.body(), Body::Empty));
        assert_eq!((of(201).status, of(204).headers.len()), (201, 1));
    }

    #[test]
    fn an_error_says_what_to_do_next() {
        for (error, status, name, value) in [
            (Error::Unauthorized("x".into()), 401, "www-authenticate", "Bearer"),
            (Error::TooManyRequests { retry_after: 3 }, 429, "retry-after", "3"),
            (Error::Unavailable { retry_after: 1 }, 503, "retry-after", "1"),
            (Error::MethodNotAllowed { allow: "GET, PUT".into() }, 405, "allow", "GET, PUT"),
        ] {
            let body = error.body().to_string();
            let response = Response::from(error).into_http(None);
            assert_eq!((response.status().as_u16(), header(&response, name)), (status, Some(value)));
            assert!(matches!(response.body(), Body::Text(text) if *text == body));
        }
        assert_eq!(header(&Response::from(Error::Internal).into_http(None), "www-authenticate"), None);
    }
}
