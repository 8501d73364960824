//! The client of a check: the requests of SCIM (RFC 7644 §3.1), within the time that the check has.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::connection::{ClientProfile, HttpConnection};
use crate::request::{Request, query};
use crate::retry;

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

/// A client of one target with one token.
#[derive(Clone, Debug)]
pub struct Client {
    connection: HttpConnection,
    repeats_requests: bool,
    check_timeout: Duration,
    deadline: Option<Instant>,
}

impl Client {
    /// Creates a client. `check_timeout` is the time that the check has until `deadline`.
    pub(crate) fn new(
        connection: HttpConnection,
        repeats_requests: bool,
        check_timeout: Duration,
        deadline: Option<Instant>,
    ) -> Self {
        Self { connection, repeats_requests, check_timeout, deadline }
    }

    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.connection.base
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
    pub fn with_profile(mut self, profile: &'static ClientProfile) -> Self {
        self.connection.profile = profile;
        self
    }

    /// The same client with another `Authorization` header, or none.
    #[must_use]
    pub fn with_authorization(&self, authorization: Option<&str>) -> Self {
        let mut client = self.clone();
        client.connection.authorization = authorization.map(str::to_owned);
        client
    }

    /// The same client with another base URL, which has no slash at the end.
    #[must_use]
    pub fn with_base(mut self, base: &str) -> Self {
        base.clone_into(&mut self.connection.base);
        self
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
        match if self.repeats_requests { retry::send(&self.connection, request) } else { self.try_send(request) } {
            Ok(answer) => answer,
            Err(error) => {
                panic!(
                    "expected an answer\nrequest: {} {}{}\nerror: {error}",
                    request.method,
                    self.base(),
                    request.path
                )
            }
        }
    }

    /// Sends a request once, to a server that may not respond.
    ///
    /// # Errors
    ///
    /// If the server does not respond.
    pub fn try_send(&self, request: &Request) -> Result<Answer, ureq::Error> {
        self.connection.send(request)
    }

    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.try_send(&Request::new("GET", path))
    }
}
