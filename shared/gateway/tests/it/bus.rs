//! An EventBridge and a queue that can fail, and the batches in which the table's stream delivers change records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The entries that the bus has received, and the failures that it injects.
#[derive(Default)]
pub(crate) struct BusStub {
    /// The entries that the bus has accepted, in the order in which they arrived.
    pub(crate) accepted: Vec<Value>,
    /// The number of entries of each call.
    pub(crate) calls: Vec<usize>,
    /// How many times an entry is throttled, by its `jti`.
    pub(crate) throttled: BTreeMap<String, usize>,
    /// The events that the bus never accepts, by their `jti`.
    pub(crate) refused: BTreeSet<String>,
    /// The messages that the queue of dead letters has received.
    pub(crate) letters: Vec<Value>,
    /// Whether the queue responds to every call with 503.
    pub(crate) loses_letters: bool,
    /// Whether the bus responds to every call with 503.
    pub(crate) is_down: bool,
    /// How long each call takes.
    pub(crate) delay: Duration,
}

impl BusStub {
    /// The `jti` of each accepted entry.
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |entry: &Value| detail(entry)["jti"].as_str().unwrap().to_owned();
        self.accepted.iter().map(id).collect()
    }
}

pub(crate) fn detail(entry: &Value) -> Value {
    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()
}

/// Starts to serve, and returns the URL.
pub(crate) async fn serve(bus: Arc<Mutex<BusStub>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(respond).with_state(bus);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn respond(state: State<Arc<Mutex<BusStub>>>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    match headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        Some("AWSEvents.PutEvents") => put_events(state, body).await,
        Some("AmazonSQS.SendMessage") => send_message(&mut state.lock().unwrap(), &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send_message(queue: &mut BusStub, body: &[u8]) -> Response {
    if queue.loses_letters {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request: Value = serde_json::from_slice(body).unwrap();
    let message = request["MessageBody"].as_str().unwrap();
    queue.letters.push(serde_json::from_str(message).unwrap());
    Json(json!({"MessageId": "1"})).into_response()
}

async fn put_events(State(bus): State<Arc<Mutex<BusStub>>>, body: axum::body::Bytes) -> Response {
    let delay = bus.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut bus = bus.lock().unwrap();
    if bus.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let entries = request["Entries"].as_array().unwrap().clone();
    let bytes: usize = entries.iter().map(|entry| entry["Detail"].as_str().unwrap().len() + 50).sum();
    assert!(entries.len() <= 10 && bytes <= 256 * 1024, "{} entries, {bytes} bytes", entries.len());
    bus.calls.push(entries.len());
    let mut results = Vec::new();
    for entry in entries {
        let id = detail(&entry)["jti"].as_str().unwrap().to_owned();
        let is_refused = bus.refused.contains(&id);
        match bus.throttled.get_mut(&id).filter(|times| **times > 0) {
            Some(times) => {
                *times -= 1;
                results.push(json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "injected"}));
            }
            None if is_refused => {
                results.push(json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "injected"}));
            }
            None => {
                bus.accepted.push(entry);
                results.push(json!({"EventId": id}));
            }
        }
    }
    let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
    Json(json!({"FailedEntryCount": failed, "Entries": results})).into_response()
}

/// The event that Lambda would make of these records. Their sequence numbers are 1, 2 and so on.
pub(crate) fn batch(images: &[Value]) -> Value {
    let record = |(image, number): (&Value, usize)| {
        let keys = json!({"pk": image["pk"], "sk": image["sk"]});
        json!({
            "eventID": number.to_string(), "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/scim/stream/2026",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_767_323_045, "Keys": keys, "NewImage": image,
                "SequenceNumber": number.to_string(), "SizeBytes": 500, "StreamViewType": "NEW_IMAGE",
            },
        })
    };
    json!({"Records": images.iter().zip(1..).map(record).collect::<Vec<_>>()})
}
