//! The gateway: what API Gateway does for a request on AWS, with the routes and refusals of template.yaml.
//!
//! It adds nothing to what a function answers, and takes nothing away.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use store::Directory;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::event::Call;
use crate::feed::{Feed, Ticket};
use crate::policy::Verdict;
use crate::routes::{Destination, Routes};
use crate::shown::Shown;
use crate::template::Api;
use crate::{functions, rights, terminal};

/// API Gateway takes no larger body.
const BODY_BYTES: usize = 10 * 1024 * 1024;
/// API Gateway waits no longer for a function.
const PATIENCE: Duration = Duration::from_secs(29);
/// So many requests are worked on at once. More would share the same cores, and each holds memory.
const MAX_CONCURRENT: usize = 32;

/// Everything that a request needs.
pub(crate) struct Gateway {
    api: Api,
    routes: Routes,
    shown: Shown,
    directory: &'static Directory,
    /// Host and port.
    address: String,
    feed: Arc<Feed>,
    turns: Semaphore,
}

/// A refusal of the gateway's own, by its name in API Gateway.
type Refused = &'static str;

/// Every refusal that this gateway makes.
const REFUSALS: [Refused; 7] = [
    "MISSING_AUTHENTICATION_TOKEN",
    "UNAUTHORIZED",
    "ACCESS_DENIED",
    "AUTHORIZER_FAILURE",
    "REQUEST_TOO_LARGE",
    "INTEGRATION_TIMEOUT",
    "DEFAULT_5XX",
];

/// Answers one request, and prints its line.
pub(crate) async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let started = Instant::now();
    let (method, target) = (request.method().clone(), gateway.shown.target(request.uri()));
    let span = edge::usage::metered_span();
    // It ends behind the request's line, which so comes before those of its events.
    let mut ticket = (!method.is_safe()).then(|| gateway.feed.begin());
    let answer = gateway.answer(request, ticket.as_mut()).instrument(span.clone()).await;
    let response = answer.unwrap_or_else(|refused| gateway.refuse(refused));
    terminal::request(method.as_str(), &target, response.status(), started.elapsed(), &edge::usage::Usage::of(&span));
    if !response.status().is_server_error() {
        ticket.iter_mut().for_each(Ticket::answered);
    }
    response
}

impl Gateway {
    /// # Errors
    /// With a sentence, if the API lacks something.
    pub(crate) fn new(
        api: Api,
        directory: &'static Directory,
        address: String,
        feed: Arc<Feed>,
    ) -> Result<Self, String> {
        let routes = Routes::new(&api.routes)?;
        match REFUSALS.iter().find(|refused| !api.refusals.contains_key(**refused)) {
            None => {
                let (shown, turns) = (Shown::new(&api), Semaphore::new(MAX_CONCURRENT));
                Ok(Gateway { shown, api, routes, directory, address, feed, turns })
            }
            Some(missing) => Err(format!("GatewayResponses in template.yaml has no {missing}")),
        }
    }

    /// The URL that an identity provider is given.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/{}/v2", self.address, self.api.stage)
    }

    async fn answer(&self, request: Request, ticket: Option<&mut Ticket>) -> Result<Response, Refused> {
        let (request, body) = request.into_parts();
        let path = below(&self.api.stage, request.uri.path()).ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let found = self.routes.find(request.method.as_str(), path);
        let destination: &Destination<'_> = &found.ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let body = read(body).await?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await.map_err(|_| "INTEGRATION_TIMEOUT")?;
        let _turn = turn.map_err(|_| "DEFAULT_5XX")?;
        let (stage, address, id) = (&self.api.stage, &self.address, uuid::Uuid::now_v7().to_string());
        let call = Call { request: &request, path, stage, destination, address, id };
        let authorizer = if destination.open { Value::Null } else { self.authorize(&call).await? };
        if let (Some(ticket), Some(tenant)) = (ticket, authorizer.get("tenant").and_then(Value::as_str)) {
            ticket.is_of(tenant);
        }
        let event = call.for_function(&authorizer, &body);
        let work = functions::call(destination.function, self.directory, event).ok_or("DEFAULT_5XX")?;
        let work = AssertUnwindSafe(rights::of(destination.function, work)).catch_unwind();
        let outcome = tokio::time::timeout(PATIENCE, work).await.map_err(|_| "INTEGRATION_TIMEOUT")?;
        let answer = outcome.ok().and_then(Result::ok).ok_or("DEFAULT_5XX")?;
        response(&answer).ok_or("DEFAULT_5XX")
    }

    /// What the function is told about the caller.
    async fn authorize(&self, call: &Call<'_>) -> Result<Value, Refused> {
        let presented = call.request.headers.get(header::AUTHORIZATION);
        if presented.is_none_or(|value| value.as_bytes().trim_ascii().is_empty()) {
            return Err("UNAUTHORIZED");
        }
        let event = call.for_authorizer();
        let verdict = edge::invoke_event(self.directory, authorizer::handle, event, Some(&call.id));
        let verdict = rights::of("Authorizer", verdict).await;
        let verdict = verdict.ok().and_then(|verdict| serde_json::from_value::<Verdict>(verdict).ok());
        let verdict = verdict.ok_or("AUTHORIZER_FAILURE")?;
        if verdict.allows(&call.method_arn()) { Ok(verdict.context()) } else { Err("ACCESS_DENIED") }
    }

    fn refuse(&self, refused: Refused) -> Response {
        let Some(answer) = self.api.refusals.get(refused) else { return unavailable() };
        let mut response = Response::new(Body::from(answer.body().to_owned()));
        *response.status_mut() = StatusCode::from_u16(answer.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers() {
            set(&mut response, name, value);
        }
        response
    }
}

/// The path below the stage.
fn below<'a>(stage: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// The whole body. One that is too large is read to its end all the same, so that the client reads the answer; within reason.
async fn read(body: Body) -> Result<Vec<u8>, Refused> {
    let (mut stream, mut bytes, mut length) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(chunk) = stream.next().await {
        // The client went away: nobody will read the answer.
        let chunk = chunk.map_err(|_| "DEFAULT_5XX")?;
        length += chunk.len();
        if length <= BODY_BYTES {
            bytes.extend_from_slice(&chunk);
        } else if length > 10 * BODY_BYTES {
            break;
        }
    }
    if length > BODY_BYTES { Err("REQUEST_TOO_LARGE") } else { Ok(bytes) }
}

/// Makes HTTP of a Lambda proxy integration's answer.
fn response(answer: &Value) -> Option<Response> {
    let status = u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?;
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => BASE64_STANDARD.decode(body).ok()?,
        _ => body.as_bytes().to_vec(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        set(&mut response, name, value.as_str()?);
    }
    for (name, values) in answer.get("multiValueHeaders").and_then(Value::as_object).into_iter().flatten() {
        for value in values.as_array()? {
            set(&mut response, name, value.as_str()?);
        }
    }
    Some(response)
}

fn set(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().append(name, value);
    }
}

/// Not reached: a gateway has all of its refusals.
fn unavailable() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stage_is_the_first_part_of_the_path() {
        for (path, expect) in [
            ("/scim/v2/Users", Some("/v2/Users")),
            ("/scim/", Some("/")),
            ("/scim", Some("")),
            ("/scimitar/v2", None),
            ("/v2/Users", None),
            ("/", None),
        ] {
            assert_eq!(below("scim", path), expect, "{path}");
        }
    }

    #[tokio::test]
    async fn a_functions_answer_is_passed_on_as_it_is() {
        let answer = json!({
            "statusCode": 201, "headers": {"a": "1"}, "multiValueHeaders": {"b": ["2", "3"]}, "body": "é", "isBase64Encoded": false,
        });
        let response = response(&answer).unwrap();
        assert_eq!(response.status(), 201);
        let values = |name| response.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        assert_eq!((values("a"), values("b")), (vec![&b"1"[..]], vec![&b"2"[..], &b"3"[..]]));
        let packed = super::response(&json!({"statusCode": 200, "body": "/wA=", "isBase64Encoded": true})).unwrap();
        assert_eq!(read(packed.into_body()).await, Ok(vec![255, 0]));
        assert!(super::response(&json!({"statusCode": 200, "body": "%", "isBase64Encoded": true})).is_none());
        assert!(super::response(&json!({"statusCode": "201"})).is_none() && super::response(&json!({})).is_none());
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        assert_eq!(read(Body::from(vec![1; BODY_BYTES])).await.map(|bytes| bytes.len()), Ok(BODY_BYTES));
        assert_eq!(read(Body::from(vec![1; BODY_BYTES + 1])).await, Err("REQUEST_TOO_LARGE"));
    }
}
