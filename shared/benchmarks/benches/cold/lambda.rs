//! A stub of the Lambda Runtime API for one process. It hands out events one by one, and records when the process
//! polls and responds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) struct Lambda {
    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    calls: UnboundedReceiver<RuntimeCall>,
    state: Arc<Runtime>,
    serving: tokio::task::JoinHandle<()>,
}

/// A call of the process, and its time.
pub(crate) enum RuntimeCall {
    /// A poll for an event, to which [`Lambda::send_event`] responds.
    Poll(Instant),
    Answer(Instant, Value),
}

struct Runtime {
    calls: UnboundedSender<RuntimeCall>,
    events: Mutex<VecDeque<String>>,
    available: tokio::sync::Semaphore,
}

/// How long the process may take for its next call.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Lambda {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let (sender, calls) = unbounded_channel();
        let state =
            Arc::new(Runtime { calls: sender, events: Mutex::default(), available: tokio::sync::Semaphore::new(0) });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(record_response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(record_response))
            .with_state(state.clone());
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, calls, state, serving }
    }

    /// Waits for the next call of the process.
    pub(crate) async fn next_call(&mut self) -> RuntimeCall {
        let call = tokio::time::timeout(TIMEOUT, self.calls.recv()).await;
        call.expect("the function calls in time").expect("the stub is running")
    }

    /// Responds to a poll, the pending or the next one.
    pub(crate) fn send_event(&self, event: String) {
        self.state.events.lock().unwrap().push_back(event);
        self.state.available.add_permits(1);
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(state): State<Arc<Runtime>>) -> Response {
    let _ = state.calls.send(RuntimeCall::Poll(Instant::now()));
    state.available.acquire().await.unwrap().forget();
    let event = state.events.lock().unwrap().pop_front().unwrap();
    let deadline = (SystemTime::now() + Duration::from_secs(29)).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", "1".to_owned()),
        ("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

async fn record_response(State(state): State<Arc<Runtime>>, body: String) -> StatusCode {
    let _ = state.calls.send(RuntimeCall::Answer(Instant::now(), serde_json::from_str(&body).unwrap_or_default()));
    StatusCode::ACCEPTED
}
