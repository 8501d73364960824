//! What a function takes from a request: body, parameters and conditions (RFC 7644 §3.1, §3.4.2, §3.9, §3.14), or why not.

use lambda_http::Body;
use protocol::bulk::MAX_PAYLOAD_BYTES;
use protocol::{Error, Precondition, Projection, Query};
use schema::{Kind, Object};
use serde_json::Value;

use crate::Request;
use crate::json::Unambiguous;

/// The most that a body may hold, in bytes. Lambda takes 6 MB with everything around it.
const BODY_BYTES: usize = 5 * 1024 * 1024;

impl Request {
    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], [`Error::UnsupportedMediaType`], or [`Error::InvalidSyntax`] with the place where the JSON
    /// breaks; never with what stands there.
    pub fn json_body(&self) -> Result<Object, Error> {
        if self.body_bytes().len() > BODY_BYTES {
            let problem = "The body is larger than 5 MB, the most that this service takes. Send less in one request.";
            return Err(Error::PayloadTooLarge(problem.to_owned()));
        }
        self.json_of_any_size()
    }

    /// The body of a bulk request, which has a limit of its own (RFC 7644 §3.7.4).
    ///
    /// # Errors
    /// As [`Request::json_body`].
    pub fn bulk_body(&self) -> Result<Object, Error> {
        if self.body_bytes().len() > MAX_PAYLOAD_BYTES {
            return Err(Error::PayloadTooLarge(format!(
                "The size of the bulk operation exceeds the maxPayloadSize ({MAX_PAYLOAD_BYTES} bytes). Nothing was done; \
                 send it in several requests."
            )));
        }
        self.json_of_any_size()
    }

    fn json_of_any_size(&self) -> Result<Object, Error> {
        let body = self.body_bytes();
        self.check_content_type()?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::InvalidSyntax("The request has no body; it takes a JSON object.".to_owned()));
        }
        // What is no UTF-8 reaches a function with this mark in the place of what was lost.
        if matches!(&self.body, Body::Text(text) if text.contains(char::REPLACEMENT_CHARACTER)) {
            let problem = "The body is not UTF-8, or holds the character U+FFFD, which stands for one that was lost.";
            return Err(Error::InvalidSyntax(problem.to_owned()));
        }
        match serde_json::from_slice(body).map(|Unambiguous(value)| value) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(other) => Err(Error::InvalidSyntax(format!("The body is {}, not a JSON object.", kind_of(&other)))),
            Err(error) => Err(Error::InvalidSyntax(format!("The body is not JSON: {error}."))),
        }
    }

    fn body_bytes(&self) -> &[u8] {
        match &self.body {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        }
    }

    /// Okta and Entra send `application/scim+json; charset=utf-8`, Google and Okta's own test `application/json`.
    fn check_content_type(&self) -> Result<(), Error> {
        let Some(value) = self.headers.get("content-type") else { return Ok(()) };
        let sent = value.to_str().unwrap_or_default();
        let media_type = sent.split(';').next().unwrap_or_default().trim();
        let known = ["application/scim+json", "application/json"].iter().any(|it| media_type.eq_ignore_ascii_case(it));
        if known && charset(sent).is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")) {
            return Ok(());
        }
        let problem = "The body must be sent as `Content-Type: application/scim+json` or `application/json`, in UTF-8.";
        Err(Error::UnsupportedMediaType(problem.to_owned()))
    }

    /// A query parameter, decoded. Its name is case-sensitive.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] if it is there twice, or in another spelling: passing it over would answer another question.
    pub fn query(&self, name: &str) -> Result<Option<&str>, Error> {
        let misspelt = |key: &str| key != name && key.eq_ignore_ascii_case(name);
        if let Some((key, _)) = self.query.iter().find(|(key, _)| misspelt(key)) {
            return Err(Error::InvalidSyntax(format!("The parameter {key} is written {name}.")));
        }
        match self.query.all(name).as_deref() {
            None | Some([]) => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(_) => Err(Error::InvalidSyntax(format!("The parameter {name} is there more than once."))),
        }
    }

    /// A query parameter that is a whole number.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if it is none.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.query(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| Error::InvalidValue(format!("The parameter {name} takes a whole number.")))
    }

    /// `attributes` and `excludedAttributes`.
    ///
    /// # Errors
    /// What [`Projection::parse`] refuses.
    pub fn projection(&self) -> Result<Projection, Error> {
        Projection::parse(self.query("attributes")?, self.query("excludedAttributes")?)
    }

    /// `filter`, `startIndex`, `count` and the projection of a list.
    ///
    /// # Errors
    /// What [`Query::parse`] refuses, and what is not supported.
    pub fn list_query(&self, kind: Kind) -> Result<Query, Error> {
        for name in ["sortBy", "cursor"] {
            if self.query(name)?.is_some() {
                let detail =
                    format!("The parameter {name} is not supported (see /ServiceProviderConfig); request without it.");
                return Err(Error::InvalidValue(detail));
            }
        }
        let (start_index, count) = (self.integer("startIndex")?, self.integer("count")?);
        Query::parse(kind, self.query("filter")?, start_index, count, self.projection()?)
    }

    /// Whether the client can do without the resource (`Prefer: return=minimal`, RFC 7240 §4.2). Whoever asks for attributes
    /// cannot (RFC 7644 §3.5.2).
    pub(crate) fn is_content_with_minimal(&self) -> bool {
        let prefer = self.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let mut preferences = prefer.flat_map(|value| value.split([',', ';']));
        let minimal = preferences.any(|it| it.replace([' ', '"'], "").eq_ignore_ascii_case("return=minimal"));
        let projected = ["attributes", "excludedAttributes"].iter().any(|name| self.query.first(name).is_some());
        minimal && !projected
    }

    /// `If-Match` and `If-None-Match`.
    pub fn precondition(&self) -> Precondition {
        Precondition::new(self.header("if-match"), self.header("if-none-match"))
    }
}

/// The `charset` of a media type.
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"'))
}

fn kind_of(value: &Value) -> &'static str {
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
    use crate::request::tests::{admit, event};

    fn with_body(content_type: Option<&str>, body: Value) -> Request {
        let mut event = event();
        event["headers"] = content_type.map_or(json!({}), |it| json!({"content-type": it}));
        event["multiValueHeaders"] = json!({});
        event["body"] = body;
        admit(&event).unwrap()
    }

    fn with_query(query: Value) -> Request {
        let mut event = event();
        event["queryStringParameters"] = Value::Null;
        event["multiValueQueryStringParameters"] = query;
        admit(&event).unwrap()
    }

    #[test]
    fn a_body_is_taken_as_json_of_either_type() {
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
    fn a_body_of_another_kind_is_refused() {
        let deep = "[".repeat(200);
        for (content_type, body, status, says) in [
            ("text/plain", "{}", 415, "application/scim+json"),
            ("application/jsonp", "{}", 415, "application/json"),
            ("", "{}", 415, "application/scim+json"),
            ("application/json; charset=iso-8859-1", "{}", 415, "UTF-8"),
            ("application/json; charset=\"UTF-8\"", "{\"a\": 1, \"a\": 2}", 400, "twice"),
            ("application/json", "{\"a\": \"\u{fffd}\"}", 400, "UTF-8"),
            ("application/json", "", 400, "no body"),
            ("application/json", " \n", 400, "no body"),
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
    fn the_limit_is_exact() {
        let of = |bytes: usize| json!(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)));
        assert!(with_body(None, of(BODY_BYTES)).json_body().is_ok());
        assert_eq!(with_body(None, of(BODY_BYTES + 1)).json_body().unwrap_err().status(), 413);
    }

    #[test]
    fn base64_is_decoded() {
        let mut event = event();
        event["body"] = json!("eyJhIjogIsOpIn0=");
        event["isBase64Encoded"] = json!(true);
        assert_eq!(admit(&event).unwrap().json_body().unwrap().get("a"), Some(&json!("é")));
    }

    #[test]
    fn parameters_are_taken_once_and_as_they_are_named() {
        let request = with_query(json!({
            "filter": ["userName eq \"a+b %41\""], "count": ["7"], "startIndex": ["-3"], "counts": ["9"],
            "attributes": ["a", "b"], "excludedAttributes": ["members"], "n": ["1.5"], "empty": [""], "SORTBY": ["x"],
        }));
        assert_eq!(request.query("filter"), Ok(Some("userName eq \"a+b %41\"")));
        assert_eq!(request.query("nothing"), Ok(None));
        assert_eq!(request.query("sortBy").map_err(|error| error.scim_type()), Err(Some("invalidSyntax")));
        assert_eq!(request.integer("count"), Ok(Some(7)));
        assert_eq!(request.integer("startIndex"), Ok(Some(-3)));
        assert_eq!(request.integer("nothing"), Ok(None));
        assert_eq!(request.integer("empty"), Ok(None));
        let fraction = request.integer("n").unwrap_err();
        assert!(fraction.scim_type() == Some("invalidValue") && fraction.to_string().contains("parameter n "));
        let twice = request.query("attributes").unwrap_err();
        assert!(twice.scim_type() == Some("invalidSyntax") && twice.to_string().contains("attributes"));
        assert!(request.projection().is_err() && request.list_query(Kind::User).is_err());
    }

    #[test]
    fn a_minimal_answer_is_a_preference() {
        for (prefer, query, expect) in [
            ("return=minimal", json!({}), true),
            ("respond-async, Return = \"minimal\"; x=1", json!({}), true),
            ("return=representation", json!({}), false),
            ("return=minimal", json!({"attributes": ["id"]}), false),
            ("return=minimal", json!({"excludedAttributes": ["members"]}), false),
        ] {
            let mut event = event();
            event["headers"]["prefer"] = json!(prefer);
            event["multiValueQueryStringParameters"] = query;
            event["queryStringParameters"] = Value::Null;
            assert_eq!(admit(&event).unwrap().is_content_with_minimal(), expect, "{prefer}");
        }
    }

    #[test]
    fn the_single_valued_form_of_a_query_is_enough() {
        let mut event = event();
        event["multiValueQueryStringParameters"] = Value::Null;
        assert_eq!(admit(&event).unwrap().integer("count"), Ok(Some(2)));
    }
}
