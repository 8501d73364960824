//! A directory over an engine in the same process. It receives the SDK's requests as they would be sent, without a
//! network.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::Directory;
use crate::client;

/// A function that receives the name of an operation and its JSON, and returns the status and the JSON of the response.
type Engine = dyn Fn(&str, &[u8]) -> (u16, String) + Send + Sync;

impl Directory {
    /// A directory over this engine, which receives the name of an operation and its JSON and returns a status and
    /// JSON.
    pub fn in_process(table: String, engine: impl Fn(&str, &[u8]) -> (u16, String) + Send + Sync + 'static) -> Self {
        let connector = SharedHttpConnector::new(InProcess(Arc::new(engine)));
        let settings = client::unsigned("local", None).into_builder();
        let settings = settings.http_client(http_client_fn(move |_, _| connector.clone())).build();
        Self::with_settings(&settings, table).with_torn_time(Duration::ZERO)
    }
}

struct InProcess(Arc<Engine>);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = target.map_or("", |(_, operation)| operation);
        let (status, body) = (self.0)(operation, request.body().bytes().unwrap_or_default());
        let response = status.try_into().map(|status| HttpResponse::new(status, body.into()));
        HttpConnectorFuture::ready(response.map_err(|error| ConnectorError::other(Box::new(error), None)))
    }
}
