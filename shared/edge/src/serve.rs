//! Serves the events of API Gateway. Even if a handler panics, the response is a SCIM message (RFC 7644 §3.12).

use std::convert::Infallible;
use std::fmt::Display;
use std::mem;
use std::process::ExitCode;
use std::time::Instant;

use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyRequestContext};
use lambda_http::http::Method;
use lambda_http::lambda_runtime::{self, Context};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Adapter, Body, LambdaEvent, RequestExt, Service, http, service_fn};
use schema::ResourceId;
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument;

use crate::negotiate::ResponseFormat;
use crate::panic::catch_panic;
use crate::request::FromRequest;
use crate::url::is_host;
use crate::{Handler, Response, log};

/// Runs the function behind a route until Lambda ends the process.
///
/// `state` is built once, in Lambda's init phase. `handle` receives each request; its parameter type decides
/// whether the caller has to be authenticated. Its errors and panics become SCIM error bodies.
///
/// ```no_run
/// use std::convert::Infallible;
/// use std::process::ExitCode;
///
/// use edge::Request;
/// use protocol::{Error, Reply};
/// use serde_json::{Map, json};
///
/// async fn handle(greeting: &String, request: Request) -> Result<Reply, Error> {
///     let tenant = request.caller().tenant.as_str();
///     let body = Map::from_iter([(greeting.clone(), json!(tenant))]);
///     Ok(Reply { status: 200, body: Some(body), ..Reply::default() })
/// }
///
/// fn main() -> ExitCode {
///     edge::run(async { Ok::<_, Infallible>("hello".to_owned()) }, handle)
/// }
/// ```
pub fn run<S, E, Q, H>(state: impl Future<Output = Result<S, E>>, handle: H) -> ExitCode
where
    S: Sync + 'static,
    E: Display,
    Q: FromRequest,
    H: Handler<S, Q>,
{
    let answer = move |state, event: LambdaEvent<LambdaRequest>| adapt(state, handle, event);
    start(state, async move |state| lambda_runtime::run(service_fn(move |event| answer(state, event))).await)
}

/// The state of a function that has no state.
pub async fn stateless() -> Result<(), Infallible> {
    Ok(())
}

/// Handles one event as [`run`] does: converts the JSON that API Gateway sends to the JSON of the response.
///
/// # Errors
/// If the JSON is not an event of API Gateway.
pub async fn invoke<S, Q, H>(state: &'static S, handle: H, event: Value) -> Result<Value, serde_json::Error>
where
    S: Sync,
    Q: FromRequest,
    H: Handler<S, Q>,
{
    let event: LambdaRequest = serde_json::from_value(event)?;
    let Ok(answer) = adapt(state, handle, LambdaEvent::new(event, Context::default())).await;
    serde_json::to_value(answer)
}

async fn adapt<S: Sync, Q: FromRequest>(
    state: &'static S,
    handle: impl Handler<S, Q>,
    mut event: LambdaEvent<LambdaRequest>,
) -> Result<impl Serialize, Infallible> {
    if let LambdaRequest::ApiGatewayV1(request) = &mut event.payload {
        normalize(request);
    }
    Adapter::from(service_fn(move |event| serve(state, handle, event))).call(event).await
}

/// API Gateway sends headers both as a multi-value map and as a last-value map. The function drops the latter, so
/// that it does not override the former (RFC 9110 §5.3), and repairs host and path, because lambda_http panics when
/// it cannot build a URL from them.
fn normalize(request: &mut ApiGatewayProxyRequest) {
    if request.multi_value_headers.is_empty() {
        request.multi_value_headers = mem::take(&mut request.headers);
    }
    request.headers.clear();
    request.request_context.domain_name.take_if(|host| !is_host(host));
    if let Some(path) = request.path.as_mut().filter(|path| !path.starts_with('/')) {
        path.insert(0, '/');
    }
}

/// Starts logging, builds the state, and serves.
pub(crate) fn start<S, E>(
    state: impl Future<Output = Result<S, E>>,
    serve: impl AsyncFnOnce(&'static S) -> Result<(), lambda_http::Error>,
) -> ExitCode
where
    S: 'static,
    E: Display,
{
    log::start();
    let lifetime = async {
        // Boxed, because the type of the unboxed future exceeds the compiler's recursion limit.
        let state = Box::pin(state).await.map_err(|error| error.to_string())?;
        Box::pin(serve(Box::leak(Box::new(state)))).await.map_err(|error| error.to_string())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(lifetime)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing::error!(cause, "the function failed to start or to serve");
            ExitCode::FAILURE
        }
    }
}

async fn serve<S, Q: FromRequest, H: Handler<S, Q>>(
    state: &'static S,
    handle: H,
    event: lambda_http::Request,
) -> Result<http::Response<Body>, Infallible> {
    let started = Instant::now();
    let context = match event.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context,
        None | Some(_) => &ApiGatewayProxyRequestContext::default(),
    };
    let operation = log::operation::<H>();
    let span = log::request_span(&operation, context.request_id.as_deref());
    let format = ResponseFormat::new(event.method(), event.uri().path(), event.headers());
    let answer = async {
        let (response, resource) = respond(state, handle, event, format).await;
        log::log_response(&operation, &response, resource.as_ref(), started.elapsed());
        response.into_http(format)
    };
    Ok(answer.instrument(span).await)
}

/// The response, and the id of the resource that it concerns.
async fn respond<S, Q: FromRequest>(
    state: &'static S,
    handle: impl Handler<S, Q>,
    event: lambda_http::Request,
    format: ResponseFormat,
) -> (Response, Option<ResourceId>) {
    let changes_resource = matches!(*event.method(), Method::PUT | Method::PATCH);
    let request = match Q::from_request(event) {
        Ok(request) => request,
        Err(error) => return (error.into(), None),
    };
    let dialect = request.caller().map(|caller| caller.dialect.clone());
    if let Some(caller) = request.caller() {
        // A public document has only one media type, so the service sends it even to a client that accepts others.
        if let Err(error) = format.check() {
            return (error.into(), None);
        }
        log::record_caller(caller);
    }
    let hides_resource = changes_resource && request.caller().is_some_and(|caller| !caller.scopes.read);
    let resource = request.resource();
    let response = catch_panic(async { handle.call(state, request).await }).await.unwrap_or_else(Response::from);
    let response = if hides_resource { response.without_resource() } else { response };
    if let Some(dialect) = &dialect {
        log::record_leniencies(dialect);
    }
    let created = response.body.as_ref().and_then(|body| body.get("id")?.as_str()).and_then(ResourceId::parse);
    (response, resource.or(created))
}

#[cfg(test)]
mod tests {
    use protocol::{Error, Reply};
    use schema::Object;
    use serde_json::json;
    use tracing::instrument::WithSubscriber;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::Request;
    use crate::log::tests::Lines;
    use crate::request::tests::event;
    use crate::usage::UsageLayer;

    async fn echo(name: &&str, request: Request) -> Result<Reply, Error> {
        let body =
            Object::from_iter([("state".to_owned(), json!(name)), ("sent".to_owned(), request.json_body()?.into())]);
        let location = Some(request.base_url().to_owned());
        let version = Some("W/\"1\"".to_owned());
        Ok(Reply { status: 200, location, version, body: Some(body), ..Reply::default() })
    }

    async fn refuse(_: &&str, _: Request) -> Result<Response, Error> {
        Err(Error::Uniqueness("taken".to_owned()))
    }

    async fn panic(_: &&str, _: Request) -> Result<Response, Error> {
        panic!("for a test")
    }

    async fn gone(_: &&str, _: Request) -> Result<Reply, Error> {
        tracing::debug!(target: "dynamodb", call = "TransactWriteItems", units = 2.5);
        let changed = ["emails", "active"].map(str::to_owned).into();
        Ok(Reply { status: 204, changed, ..Reply::default() })
    }

    #[tokio::test]
    async fn token_that_may_only_write_gets_no_resource() {
        for (scopes, method, status) in
            [("write", "PUT", 204), ("write", "PATCH", 204), ("write", "POST", 200), ("read write", "PUT", 200)]
        {
            let mut event = event();
            event["httpMethod"] = json!(method);
            event["requestContext"]["authorizer"]["scopes"] = json!(scopes);
            let answer = invoke(&"state", echo, event).await.unwrap();
            let has_body = answer["body"].as_str().is_some_and(|body| body.contains("state"));
            assert_eq!((&answer["statusCode"], has_body), (&json!(status), status == 200), "{scopes} {method}");
        }
    }

    #[tokio::test]
    async fn event_of_api_gateway_is_answered_with_its_response() {
        let answer = invoke(&"s", echo, event()).await.unwrap();
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(answer["isBase64Encoded"], false);
        let expect = json!({
            "location": ["https://api.example/scim/v2"], "content-location": ["https://api.example/scim/v2"],
            "etag": ["W/\"1\""], "cache-control": ["no-store"],
            "content-type": ["application/scim+json"], "vary": ["Accept, Accept-Encoding"],
        });
        assert_eq!(answer["multiValueHeaders"], expect);
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, json!({"state": "s", "sent": {"active": false}}));
        let answer = invoke(&"s", gone, event()).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(204), &json!("")));
    }

    #[tokio::test]
    async fn every_failure_returns_a_scim_error() {
        let mut unknown = event();
        unknown["requestContext"]["authorizer"] = Value::Null;
        let mut asks_for_json = event();
        asks_for_json["headers"]["Accept"] = json!("application/json");
        for (answer, status, scim_type) in [
            (invoke(&"s", refuse, event()).await, 409, json!("uniqueness")),
            (invoke(&"s", panic, event()).await, 500, Value::Null),
            (invoke(&"s", echo, unknown).await, 401, Value::Null),
            (invoke(&"s", refuse, asks_for_json).await, 409, json!("uniqueness")),
        ] {
            let answer = answer.unwrap();
            assert_eq!(answer["statusCode"], status);
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            assert_eq!(body["status"], status.to_string());
            assert_eq!(body["scimType"], scim_type);
            assert!(answer["multiValueHeaders"]["content-type"][0].as_str().unwrap().ends_with("json"));
        }
        assert!(invoke(&"s", echo, json!({"not": "an event"})).await.is_err());
    }

    #[tokio::test]
    async fn event_with_an_invalid_host_stage_or_path_is_answered() {
        for (place, text) in [("domainName", "a b"), ("domainName", "xn--"), ("stage", "#?"), ("stage", "")] {
            let mut odd = event();
            odd["requestContext"][place] = json!(text);
            assert_eq!(invoke(&"s", gone, odd).await.unwrap()["statusCode"], 204, "{place} {text}");
        }
        for (member, value) in [
            ("path", json!("")),
            ("path", json!("x")),
            ("path", json!(":x")),
            ("path", json!("//[")),
            ("headers", json!({"Host": "a b", "X-Forwarded-Proto": "a b"})),
        ] {
            let mut odd = event();
            odd["requestContext"]["stage"] = Value::Null;
            odd["multiValueHeaders"] = json!({});
            odd[member] = value.clone();
            assert_eq!(invoke(&"s", gone, odd).await.unwrap()["statusCode"], 204, "{member} {value}");
        }
    }

    #[tokio::test]
    async fn request_is_logged_on_one_line_without_values() {
        let lines = Lines::default();
        let subscriber = Registry::default().with(UsageLayer::layer()).with(log::lines(None, lines.clone()));
        let id = "01234567-89ab-7def-8123-456789abcdef";
        let mut secretive = event();
        secretive["pathParameters"]["id"] = json!(id);
        secretive["headers"]["Authorization"] = json!("Bearer hush");
        secretive["body"] = json!("hush");
        secretive["multiValueQueryStringParameters"]["filter"] = json!(["userName eq \"hush\""]);
        invoke(&"s", gone, secretive).with_subscriber(subscriber).await.unwrap();
        let (text, lines) = lines.read();
        assert_eq!((lines.len(), text.contains("hush")), (1, false), "{text}");
        let line = &lines[0];
        assert_eq!(line["status"], 204);
        assert_eq!(line["resource"], id);
        assert_eq!((&line["dynamodb_calls"], &line["dynamodb_units"]), (&json!(1), &json!(2.5)));
        assert_eq!(line["attributes"], "active emails");
        let span =
            json!({"name": "request", "operation": "edge", "request_id": "r-1", "tenant": "acme", "token": "t-1"});
        assert_eq!(line["span"], span);
    }

    async fn tolerant(_: &&str, request: Request) -> Result<Response, Error> {
        let read = || {
            schema::resource_type(schema::Kind::User)
                .read(&request.json_body()?, &request.caller().dialect)
                .map_err(Error::from)
        };
        // Read twice, as a change is that is retried after a conflict.
        let first = read()?;
        read()?;
        Ok(Response::ok(first))
    }

    #[tokio::test]
    async fn each_leniency_is_logged_once() {
        let lines = Lines::default();
        let subscriber = Registry::default().with(UsageLayer::layer()).with(log::lines(None, lines.clone()));
        let mut strict = event();
        strict["requestContext"]["authorizer"]["dialect"] = json!("strict");
        strict["body"] = json!("{\"userName\": \"hush\", \"hush\": 1}");
        let mut lenient = strict.clone();
        lenient["requestContext"]["authorizer"]["dialect"] = json!("lenient");
        async {
            assert_eq!(invoke(&"s", tolerant, lenient).await.unwrap()["statusCode"], 200);
            assert_eq!(invoke(&"s", tolerant, strict).await.unwrap()["statusCode"], 400);
        }
        .with_subscriber(subscriber)
        .await;
        let (text, lines) = lines.read();
        assert_eq!((lines.len(), text.contains("hush")), (2, false), "{text}");
        assert_eq!(lines[0]["span"]["leniencies"], "unknownAttributes missingSchemas");
        assert_eq!(lines[1]["span"].get("leniencies"), None);
    }
}
