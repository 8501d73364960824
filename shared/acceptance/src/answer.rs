//! An answer and what a check expects of it; every failure shows the expectation, the request and the answer.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value does not have reads as null")]

use std::fmt::{self, Display, Formatter};
use std::ops::Index;

use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::client::{Client, Request};

/// How many characters of a body a failure shows.
const SHOWN: usize = 1_000;
/// The most bytes of an answer that the client reads.
const LONGEST: u64 = 64 << 20;
/// The headers that a failure shows.
const HEADERS: [&str; 6] = ["content-type", "location", "etag", "allow", "www-authenticate", "retry-after"];

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// Method, URL and body of the request, for failures.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent, after decompression; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    pub(crate) fn read(client: &Client, request: &Request, response: Response<Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = response.into_parts();
        let bytes = body.with_config().limit(LONGEST).read_to_vec()?;
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let sent = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let request = format!("{} {}{}\n{}", request.method, client.base, request.path, shortened(&sent));
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self {
            request: request.trim_end().to_owned(),
            status: head.status.as_u16(),
            headers: head.headers,
            text,
            body,
        })
    }

    /// Expects a status, and what every answer has: the media type of SCIM and a JSON object, or nothing with a 204; for an
    /// error, the form of RFC 7644 §3.12.
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

    /// Expects an error with this status, a `scimType` (alternatives are separated by `|`; an empty one means that there is
    /// none), and a `detail` that contains each of `words` (again with alternatives).
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
        self.check(contains(&self.body, part), &format!("expected this in the body: {part:#}"));
        self
    }

    /// Fails with a complaint, the request and the answer, unless something is right.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[track_caller]
    pub fn check(&self, is_right: bool, complaint: &str) {
        assert!(is_right, "{complaint}\n{self}");
    }

    /// A header; an empty text if it is not there.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `detail` of an error.
    #[must_use]
    #[track_caller]
    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// The `id`, which must be there.
    #[must_use]
    #[track_caller]
    pub fn id(&self) -> String {
        let id = self.body["id"].as_str().unwrap_or_default();
        self.check(!id.is_empty(), "expected an id");
        id.to_owned()
    }

    /// The list's `totalResults`, which must be an integer.
    #[must_use]
    #[track_caller]
    pub fn total(&self) -> u64 {
        let total = self.body["totalResults"].as_u64();
        self.check(total.is_some(), "expected totalResults as an integer");
        total.unwrap_or_default()
    }

    /// The list's `Resources`, which must be there.
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
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", text.split_at(end).0, text.len()),
        None => text.to_owned(),
    }
}

/// Whether `whole` contains `part`: an object each member of `part`; an array as many elements, one by one. `null` in `part`
/// stands for absence, `"*"` for anything that is not empty.
#[must_use]
pub fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (whole, Value::Null) => whole.is_null(),
        (whole, Value::String(any)) if any == "*" => !whole.is_null() && whole.as_str() != Some(""),
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| contains(whole.get(name).unwrap_or(&Value::Null), part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (whole, part) => whole == part,
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
