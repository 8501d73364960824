//! Extracts body, query parameters and preconditions from a request (RFC 7644 §3.1, §3.4.2, §3.9, §3.14), or
//! rejects the request.

use lambda_http::Body;
use protocol::limits::BULK_BYTES;
use protocol::{Error, LIST_PARAMETERS, Parameters, Precondition, Projection, Query};
use schema::{Kind, Leniency, Object};
use serde_json::Value;

use crate::Request;
use crate::json::{self, MAX_JSON_VALUES, ReadError};
use crate::parameters::check_search_members;

/// The largest body that is accepted, in bytes. Lambda's limit of 6 MB covers the whole event.
const MAX_BODY_BYTES: usize = protocol::limits::BODY_BYTES;

impl Request {
    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], [`Error::UnsupportedMediaType`], or [`Error::InvalidSyntax`] with the line and
    /// column of the problem, but without the text there.
    pub fn json_body(&self) -> Result<Object, Error> {
        if self.body_bytes().len() > MAX_BODY_BYTES {
            let problem = "The body is larger than 5 MB, the limit of this service. Send less in one request.";
            return Err(Error::PayloadTooLarge(problem.to_owned()));
        }
        self.parse_json()
    }

    /// The body of a bulk request, which has its own size limit (RFC 7644 §3.7.4).
    ///
    /// # Errors
    /// As [`Request::json_body`].
    pub fn bulk_body(&self) -> Result<Object, Error> {
        if self.body_bytes().len() > BULK_BYTES {
            return Err(Error::PayloadTooLarge(format!(
                "The size of the bulk request exceeds maxPayloadSize ({BULK_BYTES} bytes). Nothing was done. Split \
                 it into several requests."
            )));
        }
        self.parse_json()
    }

    /// The body as a JSON object of any size.
    fn parse_json(&self) -> Result<Object, Error> {
        let body = self.body_bytes();
        self.check_content_type()?;
        self.check_content_encoding()?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::InvalidSyntax("The request body is empty. Send a JSON object.".to_owned()));
        }
        // API Gateway passes some bodies as text, with U+FFFD instead of each byte sequence that was not UTF-8.
        let has_replacement = matches!(&self.body, Body::Text(text) if text.contains(char::REPLACEMENT_CHARACTER));
        if has_replacement || std::str::from_utf8(body).is_err() {
            let problem =
                "The body is not valid UTF-8, or contains U+FFFD (the replacement character). Send it as UTF-8.";
            return Err(Error::InvalidSyntax(problem.to_owned()));
        }
        match json::read(body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(other) => Err(Error::InvalidSyntax(format!("The body is {}. Send a JSON object.", json_type(&other)))),
            Err(ReadError::NotJson(error)) => Err(Error::InvalidSyntax(format!("The body is not JSON: {error}."))),
            Err(ReadError::TooManyValues) => Err(Error::PayloadTooLarge(format!(
                "The body contains more than {MAX_JSON_VALUES} values, the limit of this service. Send less in one \
                 request."
            ))),
        }
    }

    fn body_bytes(&self) -> &[u8] {
        match &self.body {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        }
    }

    /// Okta and Entra ID send `application/scim+json; charset=utf-8`; Google and Okta's SPEC test send
    /// `application/json`.
    fn check_content_type(&self) -> Result<(), Error> {
        let mut lines = self.headers.get_all("content-type").iter();
        let Some(value) = lines.next() else {
            let accepted = self.caller.dialect.tolerate(Leniency::MissingContentType, "Content-Type");
            return accepted.map_err(|missing| Error::UnsupportedMediaType(missing.to_string()));
        };
        // RFC 9110 §5.3.
        if lines.next().is_some() {
            let problem = "Content-Type is sent more than once. Send it once.";
            return Err(Error::UnsupportedMediaType(problem.to_owned()));
        }
        let sent = value.to_str().unwrap_or_default();
        let media_type = sent.split(';').next().unwrap_or_default().trim();
        let known = ["application/scim+json", "application/json"].iter().any(|it| media_type.eq_ignore_ascii_case(it));
        if known && charset(sent).is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")) {
            return Ok(());
        }
        let problem = "Send the body in UTF-8, as `Content-Type: application/scim+json` or `application/json`.";
        Err(Error::UnsupportedMediaType(problem.to_owned()))
    }

    /// Request bodies cannot be compressed; only responses can (RFC 9110 §8.4, §15.5.16).
    fn check_content_encoding(&self) -> Result<(), Error> {
        let sent = self.headers.get_all("content-encoding").iter().map(|value| value.to_str().unwrap_or("?"));
        let mut codings = sent.flat_map(|codings| codings.split(',')).map(str::trim);
        if codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
            return Ok(());
        }
        let problem = "The body is compressed, which is not supported. Send it without Content-Encoding.";
        Err(Error::UnsupportedMediaType(problem.to_owned()))
    }

    /// The parameters `attributes` and `excludedAttributes` (RFC 7644 §3.9).
    ///
    /// # Errors
    /// The errors of [`Projection::parse`].
    pub fn projection(&self) -> Result<Projection, Error> {
        Projection::parse(self.query("attributes")?, self.query("excludedAttributes")?, &self.caller.dialect)
    }

    /// The query for these kinds of resource: from the URL of a list, or from the body of a search (RFC 7644
    /// §3.4.3).
    ///
    /// # Errors
    /// The errors of [`Query::parse`]; [`Error::InvalidSyntax`] for a search with parameters in its URL, because
    /// the response would belong to another query if they were ignored.
    pub fn list_query(&self, kinds: &[Kind]) -> Result<Query, Error> {
        if !self.path.ends_with("/.search") {
            self.check_filter_names()?;
            self.check_position_names()?;
            let query = Query::parse(kinds, self.list_parameters()?, &self.caller.dialect)?;
            return Ok(if self.caller.dialect.is_lenient() { query.with_plus_signs() } else { query });
        }
        self.check_filter_names()?;
        for name in LIST_PARAMETERS {
            if self.query(name)?.is_some() {
                return Err(Error::InvalidSyntax(format!(
                    "Send `{name}` in the body of a .search request, not in the URL."
                )));
            }
        }
        let body = self.json_body()?;
        check_search_members(&body)?;
        Query::parse(kinds, Parameters::from_search(&body, &self.caller.dialect)?, &self.caller.dialect)
    }

    fn list_parameters(&self) -> Result<Parameters, Error> {
        let text = |name| Ok::<_, Error>(self.query(name)?.map(str::to_owned));
        let cursor = text("cursor")?;
        let count = self.integer("count").map_err(|error| match cursor {
            // RFC 9865 §2.1.
            Some(_) => Error::InvalidCount(error.to_string()),
            None => error,
        })?;
        Ok(Parameters {
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            sort_order: text("sortOrder")?,
            start_index: self.integer("startIndex")?,
            count,
            cursor,
            projection: self.projection()?,
        })
    }

    /// Whether the client prefers a response without the resource (`Prefer: return=minimal`, RFC 7240 §4.2). The first
    /// of several such preferences counts (§2). A request for certain attributes overrides the preference (RFC 7644
    /// §3.5.2).
    pub(crate) fn prefers_minimal(&self) -> bool {
        let prefer = self.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let preferences = prefer.flat_map(|value| value.split([',', ';']));
        let mut preferences = preferences.map(|it| it.replace([' ', '"'], "").to_ascii_lowercase());
        let first = preferences.find(|it| it.starts_with("return="));
        let projected = ["attributes", "excludedAttributes"].iter().any(|name| self.query.first(name).is_some());
        first.as_deref() == Some("return=minimal") && !projected
    }

    /// The preconditions in `If-Match`, `If-None-Match` and `If-Unmodified-Since` (RFC 7644 §3.14, RFC 9110 §13).
    pub fn precondition(&self) -> Precondition {
        // Bytes that are not UTF-8 match no version; ignoring them would let the change through. Repeated header
        // lines form one list (RFC 9110 §5.3).
        let tags = |name| {
            let lines = self.headers.get_all(name).iter();
            let lines: Vec<_> = lines.map(|tags| String::from_utf8_lossy(tags.as_bytes())).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        };
        let since = self.header("if-unmodified-since");
        Precondition::new(tags("if-match").as_deref(), tags("if-none-match").as_deref()).with_unmodified_since(since)
    }
}

/// The `charset` of a media type.
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// A JSON type with its article.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::tests::{event, from_request};

    fn with_body(content_type: Option<&str>, body: Value) -> Request {
        let mut event = event();
        event["headers"] = content_type.map_or(json!({}), |it| json!({"content-type": it}));
        event["multiValueHeaders"] = json!({});
        event["body"] = body;
        from_request(&event).unwrap()
    }

    #[test]
    fn body_of_either_json_media_type_is_read() {
        for content_type in [
            None,
            Some("application/scim+json"),
            Some("application/scim+json; charset=utf-8"),
            Some("Application/JSON ;charset=UTF-8"),
        ] {
            let body = with_body(content_type, json!("{\"a\": 1}")).json_body();
            assert_eq!(body.unwrap().get("a"), Some(&json!(1)), "{content_type:?}");
        }
    }

    #[test]
    fn body_without_content_type_is_read_only_by_the_lenient_dialect() {
        let untyped = |dialect: &str| {
            let mut event = event();
            (event["headers"], event["multiValueHeaders"]) = (json!({}), json!({}));
            event["requestContext"]["authorizer"]["dialect"] = json!(dialect);
            from_request(&event).unwrap()
        };
        let lenient = untyped("lenient");
        assert!(lenient.json_body().is_ok());
        assert_eq!(lenient.caller.dialect.used().collect::<Vec<_>>(), [Leniency::MissingContentType]);
        let refused = untyped("strict").json_body().unwrap_err();
        assert_eq!(refused.status(), 415);
        assert!(refused.to_string().contains("application/scim+json"), "{refused}");
    }

    #[test]
    fn repeated_headers_form_one_list_or_are_refused() {
        let with = |name: &str, lines: Value| {
            let mut event = event();
            event["headers"] = json!({});
            event["multiValueHeaders"] = json!({"Content-Type": ["application/json"]});
            event["multiValueHeaders"][name] = lines;
            from_request(&event).unwrap()
        };
        let matches = |lines: Value, version| with("If-Match", lines).precondition().check(version, "").is_ok();
        assert!(matches(json!(["W/\"1\"", "W/\"2\""]), 1) && matches(json!(["W/\"1\"", "W/\"2\""]), 2));
        assert!(!matches(json!(["W/\"1\"", "W/\"2\""]), 3));
        let status = |name: &str, lines| with(name, lines).json_body().map(drop).map_err(|error| error.status());
        assert_eq!(status("Content-Type", json!(["application/json", "application/json"])), Err(415));
        assert_eq!(status("Content-Encoding", json!(["identity", "gzip"])), Err(415));
        assert_eq!(status("Content-Encoding", json!(["identity", "Identity"])), Ok(()));
    }

    #[test]
    fn body_of_another_type_encoding_or_shape_is_refused() {
        let deep = "[".repeat(200);
        for (content_type, body, status, says) in [
            ("text/plain", "{}", 415, "application/scim+json"),
            ("application/jsonp", "{}", 415, "application/json"),
            ("", "{}", 415, "application/scim+json"),
            ("application/json; charset=iso-8859-1", "{}", 415, "UTF-8"),
            ("application/json; charset=\"UTF-8\"", "{\"a\": 1, \"a\": 2}", 400, "twice"),
            ("application/json", "{\"a\": \"\u{fffd}\"}", 400, "UTF-8"),
            ("application/json", "", 400, "body is empty"),
            ("application/json", " \n", 400, "body is empty"),
            ("application/json", "[]", 400, "an array"),
            ("application/json", "\"secret\"", 400, "a string"),
            ("application/json", "null", 400, "null"),
            ("application/json", "{\"a\":\n secret}", 400, "line 2 column 2"),
            ("application/json", "{\"a\": 1", 400, "line 1 column 7"),
            ("application/json", &deep, 400, "recursion limit"),
        ] {
            let error = with_body(Some(content_type), json!(body)).json_body().unwrap_err();
            assert_eq!(error.status(), status, "{body}");
            let detail = error.to_string();
            assert!(detail.contains(says) && !detail.contains("secret"), "{detail}");
        }
        assert_eq!(with_body(None, Value::Null).json_body().unwrap_err().scim_type(), Some("invalidSyntax"));
    }

    #[test]
    fn body_one_byte_over_the_limit_returns_413() {
        let of = |bytes: usize| json!(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)));
        assert!(with_body(None, of(MAX_BODY_BYTES)).json_body().is_ok());
        assert_eq!(with_body(None, of(MAX_BODY_BYTES + 1)).json_body().unwrap_err().status(), 413);
    }

    #[test]
    fn base64_body_is_decoded() {
        let mut event = event();
        event["body"] = json!("eyJhIjogIsOpIn0=");
        event["isBase64Encoded"] = json!(true);
        assert_eq!(from_request(&event).unwrap().json_body().unwrap().get("a"), Some(&json!("é")));
    }

    #[test]
    fn binary_body_must_be_valid_utf_8_and_uncompressed() {
        let mut event = event();
        event["isBase64Encoded"] = json!(true);
        for (body, expect) in [("eyJhIjoi77+9In0=", Ok(json!("\u{fffd}"))), ("eyJhIjoi/yJ9", Err(400))] {
            event["body"] = json!(body);
            let read = from_request(&event).unwrap().json_body().map(|body| body["a"].clone());
            assert_eq!(read.map_err(|error| error.status()), expect, "{body}");
        }
        event["headers"]["Content-Encoding"] = json!("gzip");
        assert_eq!(from_request(&event).unwrap().json_body().unwrap_err().status(), 415);
    }

    #[test]
    fn list_reads_the_url_and_search_reads_the_body() {
        let asked = |path: &str, query: Value, body: Value| {
            let mut event = event();
            event["requestContext"]["resourcePath"] = path.into();
            event["queryStringParameters"] = Value::Null;
            event["multiValueQueryStringParameters"] = query;
            event["body"] = json!(body.to_string());
            from_request(&event).unwrap().list_query(&Kind::ALL)
        };
        let list = asked("/v2", json!({"count": ["7"], "cursor": [""], "sortBy": ["id"]}), json!({})).unwrap();
        assert_eq!(
            (list.count, list.pagination.clone(), list.is_sorted()),
            (7, protocol::Pagination::Cursor(None), true)
        );
        let search = asked("/v2/.search", json!({"other": ["x"]}), json!({"count": 8, "startIndex": 3})).unwrap();
        assert_eq!((search.count, search.pagination), (8, protocol::Pagination::Index(3)));
        let scim_type = |refused: Result<Query, Error>| refused.unwrap_err().scim_type().unwrap();
        assert_eq!(scim_type(asked("/v2/.search", json!({"count": ["7"]}), json!({}))), "invalidSyntax");
        assert_eq!(scim_type(asked("/v2", json!({"count": ["x"]}), json!({}))), "invalidValue");
        assert_eq!(scim_type(asked("/v2", json!({"count": ["x"], "cursor": [""]}), json!({}))), "invalidCount");
    }

    #[test]
    fn prefer_minimal_is_read_unless_attributes_are_requested() {
        for (prefer, query, expect) in [
            ("return=minimal", json!({}), true),
            ("respond-async, Return = \"minimal\"; x=1", json!({}), true),
            ("return=representation", json!({}), false),
            ("return=representation, return=minimal", json!({}), false),
            ("return=minimal, return=representation", json!({}), true),
            ("return=minimal", json!({"attributes": ["id"]}), false),
            ("return=minimal", json!({"excludedAttributes": ["members"]}), false),
        ] {
            let mut event = event();
            event["headers"]["prefer"] = json!(prefer);
            event["multiValueQueryStringParameters"] = query;
            event["queryStringParameters"] = Value::Null;
            assert_eq!(from_request(&event).unwrap().prefers_minimal(), expect, "{prefer}");
        }
    }

    #[test]
    fn query_is_read_from_the_single_valued_map_alone() {
        let mut event = event();
        event["multiValueQueryStringParameters"] = Value::Null;
        assert_eq!(from_request(&event).unwrap().integer("count"), Ok(Some(2)));
    }
}
