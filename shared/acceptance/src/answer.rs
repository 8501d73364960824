//! What an answer is held against; every failure shows the request and the answer.

use std::ops::Index;

use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use crate::client::{Client, Request};

const SHOWN: usize = 2_000;

pub(crate) struct Answer {
    pub(crate) asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as it was sent, after decompression.
    pub(crate) text: String,
    /// The body as JSON; null where there is none.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn read(client: &Client, request: &Request, response: Response<Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = response.into_parts();
        let text = body.with_config().limit(64 << 20).read_to_string()?;
        let sent = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let asked = format!("{} {}{}\n{}", request.method, client.base, request.path, cut(&sent));
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self { asked, status: head.status.as_u16(), headers: head.headers, text, body })
    }

    /// The status, and what every answer owes: SCIM's media type, a body or none, the error's shape.
    pub(crate) fn expect(self, status: u16) -> Self {
        self.check(self.status == status, &format!("wanted status {status}"));
        if self.text.is_empty() {
            self.check(status == 204, "a body was wanted");
            return self;
        }
        let media = self.header("content-type");
        self.check(media.starts_with("application/scim+json"), "wanted application/scim+json");
        self.check(self.body.is_object(), "wanted a JSON object");
        if status >= 400 {
            self.check_error(status);
        }
        self
    }

    fn check_error(&self, status: u16) {
        let schemas = &self.body["schemas"];
        self.check(
            *schemas == serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
            "wanted the schema of an error",
        );
        self.check(self.body["status"] == status.to_string().as_str(), "wanted the status as a string");
        self.check(self.detail().len() > 10, "wanted a detail that says something");
    }

    /// An error with this `scimType` (several are separated by `|`, `""` is none) and `detail`, which holds each of `words`
    /// (again `|` for either).
    pub(crate) fn refused(self, status: u16, scim_type: &str, words: &[&str]) -> Self {
        let answer = self.expect(status);
        let got = answer.body["scimType"].as_str().unwrap_or_default();
        answer.check(scim_type.split('|').any(|one| one == got), &format!("wanted scimType {scim_type:?}"));
        for word in words {
            let found = word.split('|').any(|one| answer.detail().contains(one));
            answer.check(found, &format!("wanted {word:?} in the detail"));
        }
        answer
    }

    /// The body holds `part`: see `holds`.
    pub(crate) fn holding(self, part: &Value) -> Self {
        self.check(holds(&self.body, part), &format!("wanted this in the body: {part:#}"));
        self
    }

    pub(crate) fn check(&self, right: bool, complaint: &str) {
        assert!(right, "{complaint}\n{}", self.show());
    }

    pub(crate) fn show(&self) -> String {
        format!("--- asked\n{}\n--- answer {}\n{:?}\n{}", self.asked, self.status, self.headers, cut(&self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> String {
        let id = self.body["id"].as_str().unwrap_or_default();
        self.check(!id.is_empty(), "wanted an id");
        id.to_owned()
    }

    /// The list's `totalResults`, which must be an integer.
    pub(crate) fn total(&self) -> u64 {
        let total = self.body["totalResults"].as_u64();
        self.check(total.is_some(), "wanted totalResults as an integer");
        total.unwrap()
    }

    pub(crate) fn resources(&self) -> &[Value] {
        let resources = self.body["Resources"].as_array();
        self.check(resources.is_some(), "wanted Resources as an array");
        resources.unwrap()
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.body[name]
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// Whether `whole` holds `part`: objects by their names; arrays one by one, of equal length; `null` in `part` means absent; `"*"`
/// means present and not empty.
pub(crate) fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (whole, Value::Null) => whole.is_null(),
        (whole, Value::String(any)) if any == "*" => !whole.is_null() && whole.as_str() != Some(""),
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| holds(whole.get(name).unwrap_or(&Value::Null), part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        (whole, part) => whole == part,
    }
}

/// The `value`s of a multi-valued attribute, sorted.
pub(crate) fn values(attribute: &Value) -> Vec<String> {
    let mut values: Vec<String> = attribute
        .as_array()
        .into_iter()
        .flatten()
        .map(|element| element["value"].as_str().unwrap_or_default().to_owned())
        .collect();
    values.sort();
    values
}
