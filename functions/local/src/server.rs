//! The HTTP server: it hands each request to the gateway and prints its line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use gateway::{Gateway, GatewayResponseType};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::in_flight::{InFlightRequests, RequestGuard};
use crate::terminal;

/// How long the server waits for requests in flight when the program has to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// How long a connection is silent before the server asks whether the client still exists.
const KEEPALIVE: Duration = Duration::from_secs(60);

pub(crate) struct HttpServer {
    pub(crate) gateway: Gateway,
    pub(crate) requests: Arc<InFlightRequests>,
}

impl HttpServer {
    /// Serves until Ctrl-C or SIGTERM.
    pub(crate) async fn run(self, listener: TcpListener) -> Result<()> {
        let router = Router::new().fallback(respond).with_state(Arc::new(self));
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let listener = listener.tap_io(prepare);
        let server = axum::serve(listener, router).with_graceful_shutdown(async move { stopped.notified().await });
        let server = server.into_future();
        tokio::pin!(server);
        tokio::select! {
            ended = &mut server => return ended.context("the server failed"),
            () = stop_signal() => stop.notify_one(),
        }
        // Requests that have not ended within the limit are aborted.
        let _ = tokio::time::timeout(DRAIN_LIMIT, server).await;
        Ok(())
    }

    async fn answer(
        &self,
        request: Request,
        guard: Option<&mut RequestGuard>,
    ) -> Result<Response, GatewayResponseType> {
        let invocation = self.gateway.admit(request).await?;
        if let (Some(guard), Some(tenant)) = (guard, invocation.tenant()) {
            guard.set_tenant(tenant);
        }
        invocation.run().await
    }
}

async fn respond(State(server): State<Arc<HttpServer>>, request: Request) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let target = server.gateway.redact(request.uri());
    let span = edge::usage::metered_span();
    // Dropped after the request's line is printed, so that the lines of its events come later.
    let mut guard = (!method.is_safe()).then(|| server.requests.begin());
    let answer = server.answer(request, guard.as_mut()).instrument(span.clone()).await;
    let response = answer.unwrap_or_else(|response_type| server.gateway.response(response_type));
    let usage = edge::usage::SpanUsage::of(&span);
    terminal::print_request(method.as_str(), &target, response.status(), started.elapsed(), &usage);
    if let Some(guard) = guard.as_mut().filter(|_| !response.status().is_server_error()) {
        guard.set_outcome_known();
    }
    response
}

/// Sets the options of a connection. The server works without them, too.
fn prepare(stream: &mut TcpStream) {
    // With Nagle's algorithm, the end of a long response would wait for the acknowledgement of its beginning.
    drop(stream.set_nodelay(true));
    // Otherwise the connection of a client that disappeared without closing it would stay open forever.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    drop(SockRef::from(&*stream).set_tcp_keepalive(&keepalive));
}

/// Waits for Ctrl-C or SIGTERM.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
