//! An answer and its headers (RFC 7644 §3.1, §3.8, §3.12).

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};
use lambda_http::Body;
use lambda_http::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use lambda_http::http::{self, StatusCode};
use protocol::Error;
use schema::Object;
use serde_json::Value;

use crate::Request;
use crate::negotiate::Form;

/// A smaller body is not compressed.
const WORTH_PACKING: usize = 1024;
/// The largest window that there is (RFC 1951 §2).
const WINDOW_BITS: u8 = 15;
/// The most that a body may take of the 6 MB of Lambda's answer; the rest is for headers.
const PAYLOAD_BYTES: usize = protocol::limits::RESPONSE_BYTES;

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

    /// 204 with the methods that a path takes (RFC 9110 §9.3.7).
    pub fn options(allow: String) -> Self {
        Response { status: 204, headers: vec![(ALLOW, allow)], body: None, scim_type: None }
    }

    /// 200 with a document that is JSON and not SCIM.
    pub fn document(body: Value) -> Self {
        let headers = vec![(CONTENT_TYPE, "application/json".to_owned())];
        Response { status: 200, headers, body: Some(body), scim_type: None }
    }

    /// 200 with a body.
    pub fn ok(body: Object) -> Self {
        Response::new(200, None, None, Some(body))
    }

    /// 204 in place of 200 with the resource, where the request prefers that.
    pub fn apply_prefer(self, request: &Request) -> Self {
        if self.status != 200 || !request.is_content_with_minimal() {
            return self;
        }
        let mut headers = self.headers;
        headers.push((HeaderName::from_static("preference-applied"), "return=minimal".to_owned()));
        Response { status: 204, headers, body: None, scim_type: None }
    }

    /// As HTTP, in the form that the request asks for.
    pub(crate) fn into_http(self, form: Form) -> http::Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            // A value that no header can hold would have to come from the gateway's own event.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        // A `Value` can always be written. By `Display` it would take half as much again.
        let Some(body) = self.body.and_then(|body| serde_json::to_string(&body).ok()) else { return response };
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(form.media_type));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        let packed = if form.gzip && body.len() > WORTH_PACKING { pack(body.as_bytes()) } else { None };
        if payload(&body, packed.as_deref()) > PAYLOAD_BYTES {
            return too_large(status, response, form);
        }
        if packed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if !form.head {
            *response.body_mut() = packed.map_or(Body::Text(body), Body::Binary);
        }
        response
    }
}

thread_local! {
    /// Some 300 KB, which take longer to make than a small body to compress.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW_BITS));
}

/// `gzip` (RFC 1952).
fn pack(body: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        let mut packed = Vec::with_capacity(body.len() / 2);
        loop {
            let rest = usize::try_from(packer.total_in()).ok().and_then(|read| body.get(read..))?;
            match packer.compress_vec(rest, &mut packed, FlushCompress::Finish).ok()? {
                Status::StreamEnd => return Some(packed),
                Status::Ok | Status::BufError => packed.reserve(body.len() / 2 + 64),
            }
        }
    })
}

/// How much of Lambda's answer a body takes: packed in base64, else as a JSON string with its quotes escaped.
fn payload(body: &str, packed: Option<&[u8]>) -> usize {
    match packed {
        Some(packed) => packed.len().div_ceil(3) * 4,
        None => body.len() + body.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count(),
    }
}

/// What Lambda would turn into a 502. A change has been made all the same: its answer goes without the resource.
fn too_large(status: StatusCode, mut response: http::Response<Body>, form: Form) -> http::Response<Body> {
    if form.safe {
        return Response::from(Error::answer_too_large()).into_http(form);
    }
    if status == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response.headers_mut().remove(CONTENT_TYPE);
    response
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;
    use crate::request::tests::{event, from_request};

    fn header<'a>(response: &'a http::Response<Body>, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    const PLAIN: Form = Form { media_type: "application/scim+json", gzip: false, head: false, safe: true };

    fn large(length: usize) -> Response {
        Response::ok(Object::from_iter([("id".to_owned(), json!("x".repeat(length)))]))
    }

    #[test]
    fn each_body_is_packed_by_itself() {
        let random: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        for body in [&b"short"[..], &[b'x'; 2000], &random, b"", &[b'y'; 2000]] {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&*pack(body).unwrap()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == body, "{} bytes", body.len());
        }
    }

    #[test]
    fn a_large_body_is_compressed_when_asked_for() {
        let response = large(2000).into_http(Form { gzip: true, ..PLAIN });
        assert_eq!(header(&response, "content-encoding"), Some("gzip"));
        assert_eq!(header(&response, "vary"), Some("Accept, Accept-Encoding"));
        let Body::Binary(packed) = response.body() else { panic!("not packed") };
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, large(2000).body.unwrap().to_string());
        for response in [large(500).into_http(Form { gzip: true, ..PLAIN }), large(2000).into_http(PLAIN)] {
            assert_eq!(header(&response, "content-encoding"), None);
            assert!(matches!(response.body(), Body::Text(_)));
        }
    }

    #[test]
    fn head_is_answered_as_get_without_the_body() {
        let response = large(2000).into_http(Form { head: true, gzip: true, ..PLAIN });
        assert_eq!((response.status().as_u16(), header(&response, "content-encoding")), (200, Some("gzip")));
        assert_eq!(header(&response, "content-type"), Some("application/scim+json"));
        assert!(matches!(response.body(), Body::Empty));
    }

    #[test]
    fn what_lambda_cannot_carry_is_said_and_not_lost() {
        let seven = 7 * 1024 * 1024;
        let refused = large(seven).into_http(PLAIN);
        assert_eq!(refused.status(), 413);
        let says = |text: &str| text.contains("excludedAttributes=members") && text.contains("gzip");
        assert!(matches!(refused.body(), Body::Text(text) if says(text)));
        assert_eq!(large(seven).into_http(Form { gzip: true, ..PLAIN }).status(), 200);
        let mut changed = large(seven);
        changed.headers.push((ETAG, "W/\"2\"".to_owned()));
        let changed = changed.into_http(Form { safe: false, ..PLAIN });
        assert_eq!((changed.status().as_u16(), header(&changed, "etag")), (204, Some("W/\"2\"")));
        assert!(matches!(changed.body(), Body::Empty) && header(&changed, "content-type").is_none());
        // Escaped, quotes take twice their place.
        let quotes = Response::ok(Object::from_iter([("id".to_owned(), json!("\"".repeat(2_000_000)))]));
        assert_eq!(quotes.into_http(PLAIN).status(), 413);
    }

    #[test]
    fn a_resource_comes_with_its_url_and_version() {
        let body = Object::from_iter([("id".to_owned(), json!("1"))]);
        let response =
            Response::new(201, Some("https://x/1".into()), Some("W/\"1\"".into()), Some(body)).into_http(PLAIN);
        assert_eq!(response.status(), 201);
        assert_eq!(header(&response, "location"), Some("https://x/1"));
        assert_eq!(header(&response, "content-location"), Some("https://x/1"));
        assert_eq!(header(&response, "etag"), Some("W/\"1\""));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert!(matches!(response.body(), Body::Text(text) if text == "{\"id\":\"1\"}"));
    }

    #[test]
    fn no_content_has_neither_body_nor_type() {
        let response = Response::new(204, None, None, None).into_http(PLAIN);
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (204, None));
        assert!(matches!(response.body(), Body::Empty));
    }

    #[test]
    fn a_preferred_answer_is_short_and_keeps_its_version() {
        let mut event = event();
        event["headers"]["Prefer"] = json!("return=minimal");
        let request = from_request(&event).unwrap();
        let of =
            |status| Response::new(status, None, Some("W/\"2\"".into()), Some(Object::new())).apply_prefer(&request);
        let response = of(200).into_http(PLAIN);
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
            let response = Response::from(error).into_http(PLAIN);
            assert_eq!((response.status().as_u16(), header(&response, name)), (status, Some(value)));
            assert!(matches!(response.body(), Body::Text(text) if *text == body));
        }
        assert_eq!(header(&Response::from(Error::Internal).into_http(PLAIN), "www-authenticate"), None);
    }
}
