//! A blocking SCIM client that sends exactly what a check gives it (RFC 7644 §3.1, §3.12).

pub(crate) mod created;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http;

use crate::answer::Answer;
use crate::client::created::Created;
use crate::target::Target;
use crate::{record, retry};

/// `urn:…:schemas:core:2.0:User`.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// `urn:…:schemas:core:2.0:Group`.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// `urn:…:schemas:extension:enterprise:2.0:User`.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// `urn:…:api:messages:2.0:PatchOp`.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// `urn:…:api:messages:2.0:ListResponse`.
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The headers that clients of one kind send with every request.
#[derive(Debug)]
pub struct ClientProfile {
    /// Headers of every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The header `Content-Type` of requests with a body.
    pub content_type: &'static str,
}

const PLAIN: ClientProfile =
    ClientProfile { headers: &[("Accept", "application/scim+json")], content_type: "application/scim+json" };

/// One request as it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path below the base URL and the query, both already encoded.
    pub path: String,
    /// Headers in addition to those of the client; a header of the same name replaces that of the client.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// Creates a request without additional headers and without a body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    /// Sets the bytes of the body.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a header, or replaces the header of that name that the client sends.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A client of one target with one token.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    /// The base URL, without a slash at the end.
    pub base: String,
    authorization: Option<String>,
    profile: &'static ClientProfile,
    repeats_requests: bool,
    created: Arc<Created>,
    check_timeout: Duration,
    deadline: Option<Instant>,
}

impl Client {
    /// Creates a client that presents `token` as a bearer token.
    #[must_use]
    pub fn new(target: &Target, token: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .timeout_global(Some(target.timeout))
            .build()
            .new_agent();
        Self {
            agent,
            base: target.base_url.clone(),
            authorization: Some(format!("Bearer {token}")),
            profile: &PLAIN,
            repeats_requests: target.repeats_requests,
            created: target.created.clone(),
            check_timeout: target.check_timeout,
            deadline: target.deadline,
        }
    }

    /// Whether the client repeats requests after a response with 429 or 503.
    pub(crate) fn is_repeating(&self) -> bool {
        self.repeats_requests
    }

    /// The same client, which repeats or does not repeat requests after a response with 429 or 503.
    #[must_use]
    pub fn repeating(self, repeats_requests: bool) -> Self {
        Self { repeats_requests, ..self }
    }

    /// The same client with the headers of another kind of client.
    #[must_use]
    pub fn with_profile(self, profile: &'static ClientProfile) -> Self {
        Self { profile, ..self }
    }

    /// The same client with another `Authorization` header, or none.
    #[must_use]
    pub fn with_authorization(&self, authorization: Option<&str>) -> Self {
        Self { authorization: authorization.map(str::to_owned), ..self.clone() }
    }

    /// Sends a `GET` request.
    #[track_caller]
    pub fn get(&self, path: impl Into<String>) -> Answer {
        self.send(&Request::new("GET", path))
    }

    /// Sends a `DELETE` request.
    #[track_caller]
    pub fn delete(&self, path: impl Into<String>) -> Answer {
        self.send(&Request::new("DELETE", path))
    }

    /// Sends a `POST` request with a JSON body.
    #[track_caller]
    pub fn post(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.send(&Request::new("POST", path).json(body))
    }

    /// Sends a `PUT` request with a JSON body.
    #[track_caller]
    pub fn put(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.send(&Request::new("PUT", path).json(body))
    }

    /// Sends a `PATCH` request with the given array of operations.
    #[track_caller]
    pub fn patch(&self, path: impl Into<String>, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send(&Request::new("PATCH", path).json(&body))
    }

    /// Requests the list at `endpoint`, with the parameters encoded as most clients do (`%20` for a space).
    #[track_caller]
    pub fn list(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Answer {
        self.get(format!("{endpoint}?{}", query(parameters)))
    }

    /// Returns the resources at `endpoint` that match `filter`, at most 1,000.
    #[track_caller]
    pub fn find(&self, endpoint: &str, filter: &str) -> Vec<Value> {
        let found = self.list(endpoint, &[("filter", filter), ("count", "1000")]).expect(200);
        found["Resources"].as_array().cloned().unwrap_or_default()
    }

    /// Sends a request.
    ///
    /// # Panics
    ///
    /// If the server does not respond (no connection, no HTTP, or a timeout), or if the check has exceeded its time
    /// limit.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check fails by panicking")]
    pub fn send(&self, request: &Request) -> Answer {
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() > deadline);
        assert!(!is_late, "the check has not ended after {:?}", self.check_timeout);
        match if self.repeats_requests { retry::send(self, request) } else { self.try_send(request) } {
            Ok(answer) => answer,
            Err(error) => {
                panic!("expected an answer\nrequest: {} {}{}\nerror: {error}", request.method, self.base, request.path)
            }
        }
    }

    /// Sends a request once, to a server that may not respond.
    ///
    /// # Errors
    ///
    /// If the server does not respond.
    pub fn try_send(&self, request: &Request) -> Result<Answer, ureq::Error> {
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
        let answer = Answer::read(self, request, response)?;
        self.created.record_changes(self, request, &answer);
        Ok(answer)
    }

    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.try_send(&Request::new("GET", path))
    }

    fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> =
            self.profile.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.extend(self.authorization.clone().map(|value| ("Authorization", value)));
        if request.body.is_some() {
            all.push(("Content-Type", self.profile.content_type.to_owned()));
        }
        all.retain(|(name, _)| !request.headers.iter().any(|(own, _)| own == name));
        all.extend(request.headers.iter().cloned());
        all
    }
}

/// Encodes parameters as `a=1&b=2`, and percent-encodes every byte but the unreserved characters of RFC 3986.
#[must_use]
pub fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// Percent-encodes every byte of a text but the unreserved characters of RFC 3986.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
