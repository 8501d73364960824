//! A client of one tenant that behaves like Okta's: it sends each request when it is due, keeps its connections
//! open, and honours `Retry-After`.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::io::Read;
use std::ops::Index;
use std::rc::Rc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, header};
use flate2::read::GzDecoder;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::log::{Log, RequestKind};

/// Connections of one tenant. A request that is due while all are busy waits, and is late.
const CONNECTIONS: usize = 8;
/// The timeout of Okta.
const TIMEOUT: Duration = Duration::from_secs(60);
const MEDIA_TYPE: &str = "application/scim+json";

pub(crate) struct LoadClient {
    http: legacy::Client<HttpConnector, Body>,
    base: String,
    authorization: HeaderValue,
    connections: Semaphore,
    log: Rc<RefCell<Log>>,
}

/// A request. The path is relative to the base URL and percent-encoded.
pub(crate) struct TaskRequest {
    pub(crate) operation: RequestKind,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

pub(crate) struct Answer {
    /// The request, for error messages.
    request: String,
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Whether an earlier attempt may have been carried out.
    pub(crate) repeated: bool,
}

/// A request without a response, or with a response that its task does not expect.
#[derive(Debug)]
pub(crate) struct RequestError {
    request: String,
    problem: BoxError,
}

impl RequestError {
    pub(crate) fn new(request: impl Into<String>, problem: impl Into<BoxError>) -> Self {
        Self { request: request.into(), problem: problem.into() }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.request, self.problem)
    }
}

impl Error for RequestError {}

impl LoadClient {
    pub(crate) fn new(base: &str, token: &str, log: Rc<RefCell<Log>>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
            base: base.to_owned(),
            authorization: HeaderValue::try_from(format!("Bearer {token}")).unwrap(),
            connections: Semaphore::new(CONNECTIONS),
            log,
        }
    }

    /// Sends a request, and retries it after 429 and 503. Its time counts from the moment when it was due.
    pub(crate) async fn send(&self, call: &TaskRequest, due: Instant) -> Result<Answer, RequestError> {
        let _connection = self.connections.acquire().await.expect("the semaphore is never closed");
        let mut repeated = false;
        loop {
            let (status, headers, body) = self.exchange(call).await.map_err(|problem| call.error(problem))?;
            if let 429 | 503 = status {
                self.log.borrow_mut().throttled += 1;
                repeated |= status == 503;
                sleep(retry_after(&headers).ok_or_else(|| call.error("429 or 503 without Retry-After"))?).await;
                continue;
            }
            self.log.borrow_mut().record_response(call.operation, due);
            let body = decode(&headers, &body).map_err(|problem| call.error(problem))?;
            return Ok(Answer { request: call.describe(), status, body, repeated });
        }
    }

    async fn exchange(&self, call: &TaskRequest) -> Result<(u16, HeaderMap, Vec<u8>), BoxError> {
        let mut request = Request::new(call.body.as_ref().map_or(Body::empty(), |body| Body::from(body.to_string())));
        *request.method_mut() = call.operation.method();
        *request.uri_mut() = format!("{}{}", self.base, call.path).parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip,deflate"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("Okta SCIM Client 1.0.0"));
        if call.body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json; charset=utf-8"));
        }
        let exchange = async {
            let (parts, body) = self.http.request(request).await.map_err(|error| format!("{error:?}"))?.into_parts();
            let body = to_bytes(Body::new(body), usize::MAX).await?;
            Ok((parts.status.as_u16(), parts.headers, body.to_vec()))
        };
        tokio::time::timeout(TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err("the server did not answer in time".into()))
    }
}

impl TaskRequest {
    fn describe(&self) -> String {
        format!("{}: {} {}", self.operation, self.operation.method(), self.path)
    }

    fn error(&self, problem: impl Into<BoxError>) -> RequestError {
        RequestError::new(self.describe(), problem)
    }
}

impl Answer {
    pub(crate) fn expect(self, status: u16) -> Result<Self, RequestError> {
        let found = self.status;
        self.ensure(found == status, || format!("expected {status}"))
    }

    /// Fails unless `holds`.
    pub(crate) fn ensure(self, holds: bool, expected: impl Fn() -> String) -> Result<Self, RequestError> {
        if holds {
            return Ok(self);
        }
        let problem = format!("{}: {} {}", expected(), self.status, self.body);
        Err(RequestError::new(self.request, problem))
    }

    /// Fails unless the body contains these values.
    pub(crate) fn holding(self, expect: &Value) -> Result<Self, RequestError> {
        let holds = holds(&self.body, expect);
        self.ensure(holds, || format!("expected {expect}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self[name].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self[name].as_u64().unwrap_or(u64::MAX)
    }

    /// The ids of the listed resources.
    pub(crate) fn ids(&self) -> Vec<String> {
        ids(&self["Resources"], "id")
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.body[name]
    }
}

/// The strings with this name in a list of objects.
pub(crate) fn ids(list: &Value, name: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|one| one[name].as_str().map(str::to_owned)).collect()
}

/// Whether a value contains the expected one. An object may have more members; lists have to match element by
/// element.
fn holds(value: &Value, expect: &Value) -> bool {
    match (value, expect) {
        (Value::Object(value), Value::Object(expect)) => {
            expect.iter().all(|(name, expect)| value.get(name).is_some_and(|value| holds(value, expect)))
        }
        (Value::Array(value), Value::Array(expect)) => {
            value.len() == expect.len() && value.iter().zip(expect).all(|(value, expect)| holds(value, expect))
        }
        _ => value == expect,
    }
}

/// The seconds of `Retry-After` as an integer, because Okta accepts no other form.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Value, BoxError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let mut plain = Vec::new();
    let body = match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => {
            GzDecoder::new(body).read_to_end(&mut plain)?;
            &plain
        }
        _ => body,
    };
    serde_json::from_slice(body).map_err(|error| format!("{error}: {}", String::from_utf8_lossy(body)).into())
}
