//! Functions without a route: the authorizer, and those that operators, schedules or streams invoke.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Instant;

use lambda_http::lambda_runtime::{self, Diagnostic};
use lambda_http::{LambdaEvent, service_fn};
use protocol::{Error, token};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use crate::panic::catch_panic;
use crate::{log, serve};

/// Runs a function that receives another type of event than API Gateway's, until Lambda ends the process. The text
/// of an error is returned to the invoker and not logged.
pub fn run_event<S, E, I, O, F, R>(state: impl Future<Output = Result<S, E>>, handle: F) -> ExitCode
where
    S: Send + Sync + 'static,
    E: Display,
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    F: Fn(&'static S, I) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<O, Error>> + Send + 'static,
{
    let answer = move |state, event: LambdaEvent<Value>| async move {
        let answer = invoke_event(state, handle, event.payload, Some(&event.context.request_id)).await;
        answer.map_err(diagnostic)
    };
    serve::start(state, async move |state| lambda_runtime::run(service_fn(move |event| answer(state, event))).await)
}

/// Handles one event as [`run_event`] does.
///
/// # Errors
/// The errors of the function; [`Error::InvalidSyntax`] if the event is not of its type, [`Error::Internal`] if it
/// panics.
pub async fn invoke_event<S, I, O, F, R>(
    state: &'static S,
    handle: F,
    event: Value,
    request_id: Option<&str>,
) -> Result<Value, Error>
where
    I: DeserializeOwned,
    O: Serialize,
    F: Fn(&'static S, I) -> R,
    R: Future<Output = Result<O, Error>>,
{
    let started = Instant::now();
    let operation = log::operation::<F>();
    let work = async {
        let answer = catch_panic(async {
            let input = serde_json::from_value(event).map_err(|error| invalid_event(&error))?;
            let output = handle(state, input).await?;
            serde_json::to_value(output).map_err(|_| Error::Internal)
        });
        let answer = answer.await;
        log::log_invocation(&operation, answer.as_ref().err(), started.elapsed());
        answer
    };
    work.instrument(log::request_span(&operation, request_id)).await
}

/// The error of the JSON parser quotes the input. It is left out if it contains a token, because the invoker may
/// store errors where tokens must not be stored.
fn invalid_event(error: &serde_json::Error) -> Error {
    let problem = error.to_string();
    let problem =
        if problem.contains(token::PREFIX) { "it contains a token in place of another value" } else { &problem };
    Error::InvalidSyntax(format!("The event is not valid: {problem}."))
}

fn diagnostic(error: Error) -> Diagnostic {
    let error_type = error.scim_type().map_or_else(|| error.status().to_string(), str::to_owned);
    Diagnostic { error_type, error_message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use tracing::instrument::WithSubscriber;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::log::tests::Lines;
    use crate::usage::UsageLayer;

    #[derive(Deserialize)]
    struct Divide {
        by: u32,
    }

    async fn divide(number: &u32, event: Divide) -> Result<u32, Error> {
        match event.by {
            0 => Err(Error::InvalidValue("`by` is zero.".to_owned())),
            7 => panic!("for a test"),
            by => Ok(number / by),
        }
    }

    #[tokio::test]
    async fn event_is_handled_or_refused_with_its_reason() {
        for (event, expect) in [
            (json!({"by": 2}), Ok(json!(6))),
            (json!({"by": 0}), Err("`by` is zero.")),
            (json!({}), Err("The event is not valid: missing field `by`.")),
            (json!({"by": "two"}), Err("The event is not valid: invalid type: string \"two\", expected u32.")),
            (
                json!({"by": "scim_x_hush"}),
                Err("The event is not valid: it contains a token in place of another value."),
            ),
            (json!({"by": 7}), Err("The service failed to process the request")),
        ] {
            match (invoke_event(&12, divide, event.clone(), None).await, expect) {
                (Ok(answer), Ok(expect)) => assert_eq!(answer, expect),
                (Err(error), Err(expect)) => assert!(error.to_string().starts_with(expect), "{error}"),
                (answer, _) => panic!("{event}: {answer:?}"),
            }
        }
        let diagnostic = diagnostic(Error::InvalidValue("x".to_owned()));
        assert_eq!((diagnostic.error_type.as_str(), diagnostic.error_message.as_str()), ("invalidValue", "x"));
    }

    #[tokio::test]
    async fn error_text_is_not_logged() {
        let lines = Lines::default();
        let subscriber = Registry::default().with(UsageLayer::layer()).with(log::lines(Some("TRACE"), lines.clone()));
        async {
            for event in [json!({"by": "hush"}), json!({"by": 0}), json!({"hush": 1})] {
                assert!(invoke_event(&12, divide, event, None).await.is_err());
            }
        }
        .with_subscriber(subscriber)
        .await;
        let (said, lines) = lines.read();
        assert_eq!((lines.len(), said.contains("hush"), said.contains("zero")), (3, false, false), "{said}");
        assert_eq!((&lines[0]["status"], &lines[1]["scim_type"]), (&json!(400), &json!("invalidValue")));
    }
}
