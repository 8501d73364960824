//! A stub of the Lambda Runtime API for one process: hands it events one by one, and notes when it asks and answers.

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
    /// As a function finds it in `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    heard: UnboundedReceiver<Heard>,
    state: Arc<Runtime>,
    serving: tokio::task::JoinHandle<()>,
}

/// What a process has said, and when.
pub(crate) enum Heard {
    /// It asks for an event, which it gets by [`Lambda::hand`].
    Poll(Instant),
    Answer(Instant, Value),
}

struct Runtime {
    tell: UnboundedSender<Heard>,
    events: Mutex<VecDeque<String>>,
    handed: tokio::sync::Semaphore,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Lambda {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let (tell, heard) = unbounded_channel();
        let state = Arc::new(Runtime { tell, events: Mutex::default(), handed: tokio::sync::Semaphore::new(0) });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
            .with_state(state.clone());
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, heard, state, serving }
    }

    /// What the process says next.
    pub(crate) async fn hear(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("the function says nothing").expect("the stub goes on")
    }

    pub(crate) fn hand(&self, event: String) {
        self.state.events.lock().unwrap().push_back(event);
        self.state.handed.add_permits(1);
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(state): State<Arc<Runtime>>) -> Response {
    let _ = state.tell.send(Heard::Poll(Instant::now()));
    state.handed.acquire().await.unwrap().forget();
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

async fn answered(State(state): State<Arc<Runtime>>, body: String) -> StatusCode {
    let _ = state.tell.send(Heard::Answer(Instant::now(), serde_json::from_str(&body).unwrap_or_default()));
    StatusCode::ACCEPTED
}
