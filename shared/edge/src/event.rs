//! Functions that no route leads to: the authorizer, and those that operators invoke.

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

use crate::{log, serve};

/// Runs a function that takes an event of its own, until Lambda ends the process. Its error's sentence goes to whoever
/// invoked it, and into no log.
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

/// Does with one event what [`run_event`] does with each.
///
/// # Errors
/// The function's own; [`Error::InvalidSyntax`] if the event is not what it takes, [`Error::Internal`] if it panics.
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
        let answer = serve::guard(async {
            let input = serde_json::from_value(event).map_err(|error| wrong(&error))?;
            let output = handle(state, input).await?;
            serde_json::to_value(output).map_err(|_| Error::Internal)
        });
        let answer = answer.await;
        log::done(&operation, answer.as_ref().err(), started.elapsed());
        answer
    };
    work.instrument(log::span(&operation, request_id)).await
}

/// The sentence quotes what was sent. A token is not to be quoted: errors are kept where tokens are not.
fn wrong(error: &serde_json::Error) -> Error {
    let problem = error.to_string();
    Error::InvalidSyntax(match problem.contains(token::PREFIX) {
        true => "The event is wrong: it has a token in the place of something else.".to_owned(),
        false => format!("The event is wrong: {problem}."),
    })
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
    async fn an_event_is_answered_or_refused_with_a_sentence() {
        for (event, expect) in [
            (json!({"by": 2}), Ok(json!(6))),
            (json!({"by": 0}), Err("`by` is zero.")),
            (json!({}), Err("The event is wrong: missing field `by`.")),
            (json!({"by": "two"}), Err("The event is wrong: invalid type: string \"two\", expected u32.")),
            (json!({"by": "scim_x_hush"}), Err("The event is wrong: it has a token in the place of something else.")),
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
    async fn the_sentence_of_an_error_is_in_no_log() {
        let lines = Lines::default();
        let subscriber = Registry::default().with(log::meter()).with(log::lines(Some("TRACE"), lines.clone()));
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
