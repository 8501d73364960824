//! One start of a function: its first response, and some more.

use std::time::Instant;

use serde_json::{Value, json};

use crate::dynamo::{Dynamo, KEY, TABLE};
use crate::events;
use crate::function::Function;
use crate::lambda::{Lambda, RuntimeCall};
use crate::process::FunctionProcess;

/// Events after the first one.
const WARM: usize = 5;

/// The figures of one start. Times are in milliseconds.
pub(crate) struct Sample {
    /// The time from the start of the process to its first poll.
    pub(crate) init: f64,
    /// The time from the first event to its response.
    pub(crate) first: f64,
    /// The part of `first` in which DynamoDB worked.
    pub(crate) dynamo: f64,
    /// The median of the later responses.
    pub(crate) warm: f64,
    /// CPU time up to the first poll, of the first response, and of a later one.
    pub(crate) cpu: [f64; 3],
    /// Peak memory in megabytes.
    pub(crate) memory: f64,
}

impl Sample {
    pub(crate) async fn take(dynamo: &Dynamo, function: &Function, megabytes: Option<u32>) -> Self {
        let name = function.name.as_str();
        let mut lambda = Lambda::start().await;
        let mut events = Vec::new();
        for _ in 0..=WARM {
            let event = events::fresh(dynamo.directory, name).await;
            events.push(if function.is_page { page(&event) } else { event });
        }
        let begun = Instant::now();
        let mut process = FunctionProcess::start(&function.program, &environment(dynamo, &lambda));
        let init = milliseconds(begun, polled(&mut lambda).await);
        if let Some(megabytes) = megabytes {
            process.limit(megabytes);
        }
        dynamo.take_busy_time();
        let mut cpu = vec![process.cpu()];
        let mut times = Vec::new();
        let mut worked = None;
        for event in events {
            let handed = Instant::now();
            lambda.send_event(event);
            times.push(milliseconds(handed, answered(&mut lambda, name).await));
            worked.get_or_insert_with(|| dynamo.take_busy_time());
            // The function has finished when it polls for the next event.
            polled(&mut lambda).await;
            cpu.push(process.cpu());
        }
        let dynamo = worked.unwrap_or_default().as_secs_f64() * 1000.0;
        let warm = median(&times[1..]);
        let cpu = [cpu[0], cpu[1] - cpu[0], (cpu[cpu.len() - 1] - cpu[1]) / WARM as f64];
        Self { init, first: times[0], dynamo, warm, cpu, memory: process.memory() }
    }
}

/// The event with a query for the first page of 100.
fn page(event: &str) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["queryStringParameters"] = json!({ "count": "100" });
    event["multiValueQueryStringParameters"] = json!({ "count": ["100"] });
    event.to_string()
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    (to - from).as_secs_f64() * 1000.0
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

async fn polled(lambda: &mut Lambda) -> Instant {
    match lambda.next_call().await {
        RuntimeCall::Poll(at) => at,
        RuntimeCall::Answer(_, answer) => panic!("the function responds before it gets an event: {answer}"),
    }
}

async fn answered(lambda: &mut Lambda, name: &str) -> Instant {
    match lambda.next_call().await {
        RuntimeCall::Answer(at, answer) => {
            let is_error = matches!(name, "me" | "fallback");
            let is_right = match answer.get("statusCode").and_then(Value::as_u64) {
                Some(status) => (status < 300) != is_error,
                None => answer.get("errorMessage").is_none() && !answer.to_string().contains("Deny"),
            };
            assert!(is_right, "{name}: {answer}");
            at
        }
        RuntimeCall::Poll(_) => panic!("{name} polls for another event before it has responded"),
    }
}

/// The environment variables that Lambda and the template set.
fn environment(dynamo: &Dynamo, lambda: &Lambda) -> Vec<(&'static str, String)> {
    let bundle = dynamo.bundle.display().to_string();
    let set = [
        ("AWS_LAMBDA_RUNTIME_API", lambda.address.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", "made up"),
        ("TABLE", TABLE),
        ("EVENT_BUS", "scim"),
        ("BASE_URL", "https://scim.example.com/v2"),
        ("SERVICE", "scim"),
        ("SSL_CERT_FILE", &bundle),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamo.url),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", &dynamo.bus),
    ];
    set.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}
