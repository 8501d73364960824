//! A blocking SCIM client that sends exactly what a test tells it to, and checks what every answer owes
//! (RFC 7644 §3.1, §3.12).

use std::time::Duration;

use serde_json::{Value, json};
use ureq::http;

use crate::expect::Answer;
use crate::faults;
use crate::record;

/// `urn:…:schemas:core:2.0:User`.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// `urn:…:schemas:core:2.0:Group`.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// `urn:…:schemas:extension:enterprise:2.0:User`.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// `urn:…:api:messages:2.0:PatchOp`.
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// `urn:…:api:messages:2.0:ListResponse`.
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What a client of one kind puts on every request.
pub(crate) struct Manners {
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) content_type: &'static str,
}

const PLAIN: Manners =
    Manners { headers: &[("Accept", "application/scim+json")], content_type: "application/scim+json" };

/// One request, as it goes over the wire; the path is relative to the base URL and already encoded.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a header, or replaces the one that the client would have sent.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    pub(crate) base: String,
    authorization: Option<String>,
    manners: &'static Manners,
    /// Whether it sends again what is put off.
    patient: bool,
}

impl Client {
    /// A client that presents `token` as a bearer token.
    pub(crate) fn new(base: &str, token: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self {
            agent,
            base: base.to_owned(),
            authorization: Some(format!("Bearer {token}")),
            manners: &PLAIN,
            patient: false,
        }
    }

    pub(crate) fn patient(self, patient: bool) -> Self {
        Self { patient, ..self }
    }

    pub(crate) fn with_manners(self, manners: &'static Manners) -> Self {
        Self { manners, ..self }
    }

    /// The same client with another `Authorization` header, or none.
    pub(crate) fn presenting(&self, authorization: Option<&str>) -> Self {
        Self { authorization: authorization.map(str::to_owned), ..self.clone() }
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Answer {
        self.send(&Request::new("GET", path))
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Answer {
        self.send(&Request::new("DELETE", path))
    }

    pub(crate) fn post(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.send(&Request::new("POST", path).json(body))
    }

    pub(crate) fn put(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.send(&Request::new("PUT", path).json(body))
    }

    /// PATCH with the given array of operations.
    pub(crate) fn patch(&self, path: impl Into<String>, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send(&Request::new("PATCH", path).json(&body))
    }

    /// The list at `endpoint`, with the parameters encoded as most clients do (`%20` for a space).
    pub(crate) fn list(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Answer {
        self.get(format!("{endpoint}?{}", query(parameters)))
    }

    /// The resources at `endpoint` that match `filter`, at most 1,000.
    pub(crate) fn find(&self, endpoint: &str, filter: &str) -> Vec<Value> {
        let found = self.list(endpoint, &[("filter", filter), ("count", "1000")]).expect(200);
        found["Resources"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        match if self.patient { faults::send(self, request) } else { self.try_send(request) } {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {} {}: {error}", request.method, request.path),
        }
    }

    /// Like `send`, for a server that may die meanwhile.
    pub(crate) fn try_send(&self, request: &Request) -> Result<Answer, ureq::Error> {
        let mut head = http::Request::builder().method(request.method).uri(format!("{}{}", self.base, request.path));
        let headers = self.headers(request);
        record::sent(&headers, request);
        for (name, value) in headers {
            head = head.header(name, value);
        }
        let response = match &request.body {
            Some(body) => self.agent.run(head.body(body.as_slice())?)?,
            None => self.agent.run(head.body(())?)?,
        };
        Answer::read(self, request, response)
    }

    fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> =
            self.manners.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.extend(self.authorization.clone().map(|value| ("Authorization", value)));
        if request.body.is_some() {
            all.push(("Content-Type", self.manners.content_type.to_owned()));
        }
        all.retain(|(name, _)| !request.headers.iter().any(|(own, _)| own == name));
        all.extend(request.headers.iter().cloned());
        all
    }
}

/// `a=1&b=2` with every byte encoded that RFC 3986 does not leave alone.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
