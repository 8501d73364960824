//! The queue of changes and events that can never be published.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use serde::Serialize;
use store::client;

use crate::error::{PublishError, StartError};
use crate::variable;

/// The queue to which dead letters are sent.
#[derive(Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

/// A change or an event that is not published. It names no value, so that the queue contains no personal data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetter<'a> {
    pub(crate) reason: &'a str,
    /// The key of the change record.
    pub(crate) pk: &'a str,
    pub(crate) sk: &'a str,
    /// The `jti` of the event; `None` if it concerns all events of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<&'a str>,
}

impl DeadLetters {
    /// The queue whose URL is in the variable `DEAD_LETTERS`, with the credentials that Lambda sets.
    pub(crate) fn from_environment() -> Result<Self, StartError> {
        let url = variable("DEAD_LETTERS")?;
        let settings = client::from_environment("SQS")?.into_builder().endpoint_url(endpoint(&url)).build();
        Ok(Self { client: Client::new(&settings), url })
    }

    /// A queue at an endpoint that does not check signatures.
    pub fn at(url: &str) -> Self {
        Self { client: Client::new(&client::unsigned("local", Some(endpoint(url).to_owned()))), url: url.to_owned() }
    }

    pub(crate) async fn send(&self, letter: &DeadLetter<'_>) -> Result<(), PublishError> {
        let body = serde_json::to_string(letter)?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| PublishError::DeadLetter(error.code().map(str::to_owned)))
    }
}

/// The endpoint of a queue: its URL without the path.
fn endpoint(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url.get(host..).and_then(|rest| rest.find('/')).and_then(|end| url.get(..host + end)).unwrap_or(url)
}
