//! The response to a request, and the expectations of checks; every failure shows the expectation, the request and
//! the response.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value does not have reads as null")]

use std::fmt::{self, Display, Formatter};
use std::ops::Index;

use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::request::Request;

/// The number of characters of a body that a failure shows.
const MAX_SHOWN: usize = 500;
/// The most bytes of a response that the client reads.
const MAX_BYTES: u64 = 64 << 20;
/// The headers that a failure shows.
const HEADERS: [&str; 6] = ["content-type", "location", "etag", "allow", "www-authenticate", "retry-after"];

/// A response to a request.
#[derive(Debug)]
pub struct Answer {
    /// Method, URL and body of the request, for failures.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body after decompression; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The body as JSON, or null if it is not JSON.
    pub body: Value,
}

impl Answer {
    pub(crate) fn read(base: &str, request: &Request, response: Response<Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = response.into_parts();
        let bytes = body.with_config().limit(MAX_BYTES).read_to_vec()?;
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let sent = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let request = format!("{} {}{}\n{}", request.method, base, request.path, shortened(&sent));
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self {
            request: request.trim_end().to_owned(),
            status: head.status.as_u16(),
            headers: head.headers,
            text,
            body,
        })
    }

    /// Expects a status, and the form of every response: the media type of SCIM and a JSON object, or no body with
    /// a 204; for an error, the form of RFC 7644 §3.12.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        self.check(self.status == status, &format!("expected status {status}"));
        if self.text.is_empty() {
            self.check(status == 204, "expected a body");
            return self;
        }
        let media = self.header("content-type");
        self.check(media.starts_with("application/scim+json"), "expected the content type application/scim+json");
        self.check(self.body.is_object(), "expected a JSON object");
        if status >= 400 {
            self.check_error(status);
        }
        self
    }

    #[track_caller]
    fn check_error(&self, status: u16) {
        let schemas = &self.body["schemas"];
        self.check(
            *schemas == serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
            "expected the schema of an error",
        );
        self.check(self.body["status"] == status.to_string().as_str(), "expected the status as a string");
        self.check(self.detail().len() > 10, "expected a detail that explains the error");
    }

    /// Expects an error with this status, with this `scimType` (`|` separates alternatives; an empty one stands for
    /// no `scimType`), and with a `detail` that contains each of `words` (`|` separates alternatives here, too).
    #[track_caller]
    pub fn expect_error(self, status: u16, scim_type: &str, words: &[&str]) -> Self {
        let answer = self.expect(status);
        let got = answer.body["scimType"].as_str().unwrap_or_default();
        answer.check(scim_type.split('|').any(|one| one == got), &format!("expected scimType {scim_type:?}"));
        for word in words {
            let found = word.split('|').any(|one| answer.detail().contains(one));
            answer.check(found, &format!("expected {word:?} in the detail"));
        }
        answer
    }

    /// Expects that the body contains `part`, in the sense of [`contains`].
    #[track_caller]
    pub fn containing(self, part: &Value) -> Self {
        if let Some(difference) = difference(&self.body, part) {
            self.check(false, &difference);
        }
        self
    }

    /// Fails with `complaint`, the request and the response unless `is_right`.
    ///
    /// # Panics
    ///
    /// If `is_right` is false.
    #[track_caller]
    pub fn check(&self, is_right: bool, complaint: &str) {
        assert!(is_right, "{complaint}\n{self}");
    }

    /// The value of a header, or an empty string if the response does not have the header.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `detail` of an error, or an empty string.
    #[must_use]
    #[track_caller]
    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// The `id`, which the response must have.
    #[must_use]
    #[track_caller]
    pub fn id(&self) -> String {
        let id = self.body["id"].as_str().unwrap_or_default();
        self.check(!id.is_empty(), "expected an id");
        id.to_owned()
    }

    /// The `totalResults` of the list, which must be an integer.
    #[must_use]
    #[track_caller]
    pub fn total(&self) -> u64 {
        let total = self.body["totalResults"].as_u64();
        self.check(total.is_some(), "expected totalResults as an integer");
        total.unwrap_or_default()
    }

    /// The `Resources` of the list, which must be an array.
    #[must_use]
    #[track_caller]
    pub fn resources(&self) -> &[Value] {
        let resources = self.body["Resources"].as_array();
        self.check(resources.is_some(), "expected Resources as an array");
        resources.map_or(&[], Vec::as_slice)
    }
}

impl Display for Answer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "request: {}", self.request)?;
        write!(formatter, "answer: {}", self.status)?;
        for name in HEADERS {
            if let Some(value) = self.headers.get(name) {
                write!(formatter, ", {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
            }
        }
        let body = if self.text.is_empty() { "(no body)" } else { &self.text };
        write!(formatter, "\n{}", shortened(body))
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.body[name]
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", text.split_at(end).0, text.len()),
        None => text.to_owned(),
    }
}

/// Whether `whole` contains `part`: an object contains every member of `part`; an array has as many elements as
/// `part`, and each contains the element of `part` at its position. In `part`, `null` stands for an absent member,
/// and `"*"` for any value that is not empty.
#[must_use]
pub fn contains(whole: &Value, part: &Value) -> bool {
    difference(whole, part).is_none()
}

/// Describes the first place where `whole` differs from a `part` that it should contain.
fn difference(whole: &Value, part: &Value) -> Option<String> {
    difference_at("", whole, part)
}

fn difference_at(path: &str, whole: &Value, part: &Value) -> Option<String> {
    let place = if path.is_empty() { "the body" } else { path };
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().find_map(|(name, part)| {
            difference_at(&format!("{path}/{name}"), whole.get(name).unwrap_or(&Value::Null), part)
        }),
        (Value::Array(whole), Value::Array(part)) if whole.len() == part.len() => {
            let mut pairs = whole.iter().zip(part).enumerate();
            pairs.find_map(|(at, (whole, part))| difference_at(&format!("{path}/{at}"), whole, part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            let expected = part.len();
            let got = whole.len();
            Some(format!(
                "expected {expected} elements in {place}, not {got}: {}",
                shortened(&Value::from(part.clone()).to_string())
            ))
        }
        (whole, Value::Null) => (!whole.is_null()).then(|| format!("expected no {place}")),
        (whole, Value::String(any)) if any == "*" => {
            (whole.is_null() || whole.as_str() == Some("")).then(|| format!("expected a value in {place}"))
        }
        (whole, part) => (whole != part).then(|| {
            format!("expected {} in {place}, not {}", shortened(&part.to_string()), shortened(&whole.to_string()))
        }),
    }
}

/// The `value`s of a multi-valued attribute, sorted.
#[must_use]
pub fn values(attribute: &Value) -> Vec<String> {
    let mut values: Vec<String> = attribute
        .as_array()
        .into_iter()
        .flatten()
        .map(|element| element["value"].as_str().unwrap_or_default().to_owned())
        .collect();
    values.sort();
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn difference_names_the_place_and_both_values() {
        let whole = json!({ "a": { "b": [1, { "c": "x" }] }, "d": "" });
        for (part, expect) in [
            (json!({ "a": { "b": [1, {}] }, "e": null }), None),
            (json!({ "a": { "b": [1, { "c": "*" }] } }), None),
            (json!({ "a": { "b": [1, { "c": "y" }] } }), Some("expected \"y\" in /a/b/1/c, not \"x\"")),
            (json!({ "a": { "b": [1] } }), Some("expected 1 elements in /a/b, not 2: [1]")),
            (json!({ "a": null }), Some("expected no /a")),
            (json!({ "d": "*" }), Some("expected a value in /d")),
            (json!({ "f": true }), Some("expected true in /f, not null")),
            (json!([]), Some("expected [] in the body, not {\"a\":{\"b\":[1,{\"c\":\"x\"}]},\"d\":\"\"}")),
        ] {
            assert_eq!(difference(&whole, &part).as_deref(), expect, "{part}");
            assert_eq!(contains(&whole, &part), expect.is_none());
        }
    }
}
