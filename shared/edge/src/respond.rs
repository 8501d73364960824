//! The response of a function and its HTTP headers (RFC 7644 §3.1, §3.8, §3.12).

use std::cell::RefCell;
use std::collections::BTreeSet;

use flate2::{Compress, Compression, FlushCompress, Status};
use lambda_http::Body;
use lambda_http::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use lambda_http::http::{self, StatusCode};
use protocol::{Error, Reply};
use schema::Object;
use serde_json::Value;

use crate::Request;
use crate::negotiate::ResponseFormat;

/// Bodies up to this size are not compressed.
const GZIP_MIN_BYTES: usize = 1024;
/// The largest window of the format (RFC 1951 §2).
const WINDOW_BITS: u8 = 15;
/// The largest body, as Lambda encodes it: its limit is 6 MB for the whole response, and the rest is for headers.
const MAX_RESPONSE_BYTES: usize = protocol::limits::RESPONSE_BYTES;

/// The response of a function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(HeaderName, String)>,
    /// `None` with 204 and 304.
    pub body: Option<Value>,
    /// The error keyword, for the log.
    pub(crate) scim_type: Option<&'static str>,
    /// The names of the attributes that were changed, for the log.
    pub(crate) changed: BTreeSet<String>,
}

impl Response {
    /// 204 with the methods that a path supports (RFC 9110 §9.3.7).
    pub fn options(allow: String) -> Self {
        Response { status: 204, headers: vec![(ALLOW, allow)], ..Response::default() }
    }

    /// 200 with a JSON document that is not a SCIM message.
    pub fn document(body: Value) -> Self {
        let headers = vec![(CONTENT_TYPE, "application/json".to_owned())];
        Response { status: 200, headers, body: Some(body), ..Response::default() }
    }

    /// 200 with a SCIM body.
    pub fn ok(body: Object) -> Self {
        Response { status: 200, body: Some(Value::Object(body)), ..Response::default() }
    }

    /// Replaces 200 with the resource by 204. A PUT or PATCH by a token that may not read would otherwise read the
    /// resource, even if it changes nothing.
    pub(crate) fn without_resource(self) -> Self {
        if self.status == 200 { Response { status: 204, body: None, ..self } } else { self }
    }

    /// Replaces 200 with the resource by 204, if the request prefers that (RFC 7240 §4.2).
    pub fn apply_prefer(self, request: &Request) -> Self {
        if self.status != 200 || !request.prefers_minimal() {
            return self;
        }
        let mut headers = self.headers;
        headers.push((HeaderName::from_static("preference-applied"), "return=minimal".to_owned()));
        Response { status: 204, headers, body: None, ..self }
    }

    /// The HTTP response, in this format.
    pub(crate) fn into_http(self, format: ResponseFormat) -> http::Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            // Only an event that API Gateway does not send could lead to a value that is not valid in a header.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        // Serializing a `Value` does not fail. Its `Display` would take half as much time again.
        let Some(body) = self.body.and_then(|body| serde_json::to_string(&body).ok()) else { return response };
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(format.media_type()));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        let compressed = if format.gzip && body.len() > GZIP_MIN_BYTES { gzip(body.as_bytes()) } else { None };
        if payload_bytes(&body, compressed.as_deref()) > MAX_RESPONSE_BYTES {
            return too_large(status, response, format);
        }
        if compressed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The response to HEAD has the body of GET, from which API Gateway takes `Content-Length`; it sends no body
        // (RFC 9110 §9.3.2). Without a body here, it would send `Content-Length: 0`, which is wrong (§8.6).
        *response.body_mut() = compressed.map_or(Body::Text(body), Body::Binary);
        response
    }
}

thread_local! {
    /// A compressor of some 300 KB, reused because creating one takes longer than compressing a small body.
    static GZIP: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW_BITS));
}

/// Compresses a body (RFC 1952).
fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    GZIP.with_borrow_mut(|gzip| {
        gzip.reset();
        let mut compressed = Vec::with_capacity(body.len() / 2);
        loop {
            let rest = usize::try_from(gzip.total_in()).ok().and_then(|read| body.get(read..))?;
            match gzip.compress_vec(rest, &mut compressed, FlushCompress::Finish).ok()? {
                Status::StreamEnd => return Some(compressed),
                Status::Ok | Status::BufError => compressed.reserve(body.len() / 2 + 64),
            }
        }
    })
}

/// The size of a body in Lambda's response: in base64 if it is compressed, otherwise as a JSON string with escaped
/// quotes.
fn payload_bytes(body: &str, compressed: Option<&[u8]>) -> usize {
    match compressed {
        Some(compressed) => compressed.len().div_ceil(3) * 4,
        None => body.len() + body.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count(),
    }
}

/// Replaces a response that Lambda would turn into a 502. If the request changed something, the response succeeds
/// without the resource.
fn too_large(status: StatusCode, mut response: http::Response<Body>, format: ResponseFormat) -> http::Response<Body> {
    if format.safe {
        return Response::from(Error::response_too_large()).into_http(format);
    }
    if status == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

impl From<Reply> for Response {
    /// The resource's URL becomes `Location` and `Content-Location` (RFC 7643 §3.1, `meta.location`); its version
    /// becomes `ETag`.
    fn from(reply: Reply) -> Self {
        let Reply { status, location, version, body, changed } = reply;
        let headers = [(LOCATION, location.clone()), (CONTENT_LOCATION, location), (ETAG, version)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Response { status, headers, body: body.map(Value::Object), scim_type: None, changed }
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        let challenge = error.challenge();
        let retry_after = error.retry_after().map(|seconds| seconds.to_string());
        let allow = error.allow().map(str::to_owned);
        let headers = [(WWW_AUTHENTICATE, challenge), (RETRY_AFTER, retry_after), (ALLOW, allow)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Response {
            status: error.status(),
            headers,
            body: Some(error.body()),
            scim_type: error.scim_type(),
            changed: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;
    use crate::request::tests::{event, from_request};

    fn header<'a>(response: &'a http::Response<Body>, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    fn plain() -> ResponseFormat {
        ResponseFormat::new(&http::Method::GET, "/scim/v2/Users", &http::HeaderMap::new())
    }

    fn large(length: usize) -> Response {
        Response::ok(Object::from_iter([("id".to_owned(), json!("x".repeat(length)))]))
    }

    #[test]
    fn compressor_is_reset_between_bodies() {
        let random: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        for body in [&b"short"[..], &[b'x'; 2000], &random, b"", &[b'y'; 2000]] {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&*gzip(body).unwrap()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == body, "{} bytes", body.len());
        }
    }

    #[test]
    fn large_body_is_compressed_if_the_client_accepts_it() {
        let response = large(2000).into_http(ResponseFormat { gzip: true, ..plain() });
        assert_eq!(header(&response, "content-encoding"), Some("gzip"));
        assert_eq!(header(&response, "vary"), Some("Accept, Accept-Encoding"));
        let Body::Binary(compressed) = response.body() else { panic!("not compressed") };
        let mut text = String::new();
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, large(2000).body.unwrap().to_string());
        for response in [large(500).into_http(ResponseFormat { gzip: true, ..plain() }), large(2000).into_http(plain())]
        {
            assert_eq!(header(&response, "content-encoding"), None);
            assert!(matches!(response.body(), Body::Text(_)));
        }
    }

    #[test]
    fn oversized_read_returns_413_and_oversized_write_returns_204() {
        let seven = 7 * 1024 * 1024;
        let refused = large(seven).into_http(plain());
        assert_eq!(refused.status(), 413);
        let says = |text: &str| text.contains("excludedAttributes=members") && text.contains("gzip");
        assert!(matches!(refused.body(), Body::Text(text) if says(text)));
        assert_eq!(large(seven).into_http(ResponseFormat { gzip: true, ..plain() }).status(), 200);
        let mut changed = large(seven);
        changed.headers.push((ETAG, "W/\"2\"".to_owned()));
        let changed = changed.into_http(ResponseFormat { safe: false, ..plain() });
        assert_eq!((changed.status().as_u16(), header(&changed, "etag")), (204, Some("W/\"2\"")));
        assert!(matches!(changed.body(), Body::Empty) && header(&changed, "content-type").is_none());
        // Each escaped quote takes two bytes.
        let quotes = Response::ok(Object::from_iter([("id".to_owned(), json!("\"".repeat(2_000_000)))]));
        assert_eq!(quotes.into_http(plain()).status(), 413);
    }

    #[test]
    fn resource_is_sent_with_location_and_etag() {
        let body = Object::from_iter([("id".to_owned(), json!("1"))]);
        let location = Some("https://x/1".to_owned());
        let version = Some("W/\"1\"".to_owned());
        let reply = Reply { status: 201, location, version, body: Some(body), ..Reply::default() };
        let response = Response::from(reply).into_http(plain());
        assert_eq!(response.status(), 201);
        assert_eq!(header(&response, "location"), Some("https://x/1"));
        assert_eq!(header(&response, "content-location"), Some("https://x/1"));
        assert_eq!(header(&response, "etag"), Some("W/\"1\""));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert!(matches!(response.body(), Body::Text(text) if text == "{\"id\":\"1\"}"));
    }

    #[test]
    fn no_content_has_neither_body_nor_content_type() {
        let response = Response::from(Reply { status: 204, ..Reply::default() }).into_http(plain());
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (204, None));
        assert!(matches!(response.body(), Body::Empty));
    }

    #[test]
    fn prefer_minimal_returns_204_with_the_etag() {
        let mut event = event();
        event["headers"]["Prefer"] = json!("return=minimal");
        let request = from_request(&event).unwrap();
        let of = |status| {
            let version = Some("W/\"2\"".to_owned());
            let reply = Reply { status, version, body: Some(Object::new()), ..Reply::default() };
            Response::from(reply).apply_prefer(&request)
        };
        let response = of(200).into_http(plain());
        assert_eq!((response.status().as_u16(), header(&response, "etag")), (204, Some("W/\"2\"")));
        assert_eq!(header(&response, "preference-applied"), Some("return=minimal"));
        assert!(matches!(response.body(), Body::Empty));
        assert_eq!((of(201).status, of(204).headers.len()), (201, 1));
    }

    #[test]
    fn error_carries_the_header_of_its_status() {
        for (error, status, name, value) in [
            (Error::Unauthorized("x".into()), 401, "www-authenticate", "Bearer"),
            (Error::TooManyRequests { retry_after: 3 }, 429, "retry-after", "3"),
            (Error::Unavailable { retry_after: 1 }, 503, "retry-after", "1"),
            (Error::MethodNotAllowed { allow: "GET, PUT".into() }, 405, "allow", "GET, PUT"),
        ] {
            let body = error.body().to_string();
            let response = Response::from(error).into_http(plain());
            assert_eq!((response.status().as_u16(), header(&response, name)), (status, Some(value)));
            assert!(matches!(response.body(), Body::Text(text) if *text == body));
        }
        assert_eq!(header(&Response::from(Error::Internal).into_http(plain()), "www-authenticate"), None);
    }
}
