//! An EventBridge that can fail, and the table's stream as it would hand over the records of a tenant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::engine::Engine;

/// What it was sent, and what it does not take.
#[derive(Default)]
pub(crate) struct Bus {
    /// The entries that were taken, in the order in which they came.
    pub(crate) taken: Vec<Value>,
    /// How many entries each call had.
    pub(crate) calls: Vec<usize>,
    /// By `jti`, how often it is not taken.
    pub(crate) refused: BTreeMap<String, usize>,
    /// Whether it answers 503 to all.
    pub(crate) away: bool,
}

impl Bus {
    /// The `jti` of each entry that was taken.
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |entry: &Value| detail(entry)["jti"].as_str().unwrap().to_owned();
        self.taken.iter().map(id).collect()
    }
}

pub(crate) fn detail(entry: &Value) -> Value {
    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()
}

/// Serves from here on; the URL.
pub(crate) async fn serve(bus: Arc<Mutex<Bus>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(put_events).with_state(bus);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn put_events(State(bus): State<Arc<Mutex<Bus>>>, body: axum::body::Bytes) -> Response {
    let mut bus = bus.lock().unwrap();
    if bus.away {
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
        match bus.refused.get_mut(&id).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                results.push(json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "injected"}));
            }
            None => {
                bus.taken.push(entry);
                results.push(json!({"EventId": id}));
            }
        }
    }
    let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
    Json(json!({"FailedEntryCount": failed, "Entries": results})).into_response()
}

/// One call of an engine, which looks at the key's id alone.
pub(crate) fn raw(engine: &Engine, operation: &str, request: &Value) -> Value {
    let unchecked = format!("AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/dynamodb/aws4_request", engine.key);
    let agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().new_agent();
    let request = agent
        .post(&engine.url)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("authorization", unchecked)
        .send(request.to_string());
    serde_json::from_str(&request.unwrap().body_mut().read_to_string().unwrap()).unwrap()
}

/// The items of a collection in DynamoDB's JSON, in their order.
pub(crate) fn items(engine: &Engine, collection: &str) -> Vec<Value> {
    let query = json!({
        "TableName": "scim", "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": collection}},
    });
    raw(engine, "Query", &query)["Items"].as_array().unwrap().clone()
}

/// The batch that Lambda would make of records; their numbers are 1, 2 and so on.
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
