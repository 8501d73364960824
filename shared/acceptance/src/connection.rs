//! A blocking HTTP connection to a server. It sends exactly the request of a check, once.

use std::sync::Arc;
use std::time::Duration;

use ureq::http;

use crate::answer::Answer;
use crate::created::CreatedResources;
use crate::record;
use crate::request::Request;

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

/// A connection to a server, with the headers that every request has.
#[derive(Clone, Debug)]
pub(crate) struct HttpConnection {
    agent: ureq::Agent,
    /// The base URL, without a slash at the end.
    pub(crate) base: String,
    pub(crate) authorization: Option<String>,
    pub(crate) profile: &'static ClientProfile,
    created: Arc<CreatedResources>,
}

impl HttpConnection {
    /// Creates a connection that presents `token` as a bearer token.
    pub(crate) fn new(base: &str, token: &str, timeout: Duration, created: Arc<CreatedResources>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        let authorization = Some(format!("Bearer {token}"));
        Self { agent, base: base.to_owned(), authorization, profile: &PLAIN, created }
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// If the server does not respond.
    pub(crate) fn send(&self, request: &Request) -> Result<Answer, ureq::Error> {
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
        let answer = Answer::read(&self.base, request, response)?;
        self.created.record_changes(&self.base, self.authorization.as_deref(), request, &answer);
        Ok(answer)
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
