//! SCIM on Lambda on one machine: every function in one process behind a gateway that takes its routes from
//! template.yaml, over an embedded DynamoDB. A development tool: nothing of it is deployed.

mod audit;
#[cfg(test)]
mod audited;
#[cfg(test)]
mod bus;
#[cfg(test)]
mod costs;
mod engine;
mod event;
mod feed;
mod follow;
mod functions;
mod gateway;
mod herald;
#[cfg(test)]
mod leniencies;
#[cfg(test)]
mod observed;
mod options;
mod policy;
mod private;
mod rights;
mod routes;
#[cfg(test)]
mod settled;
mod shown;
mod template;
mod terminal;
#[cfg(test)]
mod tests;
mod token;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use clap::Parser;
use service::EventOptions;
use store::{Connection, Credentials, Directory};
use tokio::net::TcpListener;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::engine::Engine;
use crate::feed::Feed;
use crate::follow::{Follower, Following};
use crate::gateway::Gateway;
use crate::herald::Herald;
use crate::options::{Command, Options};
use crate::template::Api;

/// For a request that is under way when the program is told to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// For what those have changed.
const LAST_EVENTS: Duration = Duration::from_secs(5);
/// What a program that cannot begin ends with.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    start_logging(options.log.as_deref());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no threads: {error}"));
    match runtime.and_then(|runtime| run(&runtime, options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            terminal::complain(&problem);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Counts DynamoDB's calls, and shows on standard error what a Lambda would log as a warning; or, where a level is wished for, each
/// line as a Lambda writes it.
fn start_logging(level: Option<&str>) {
    let functions = level.map(|level| edge::log::lines(Some(level), io::stderr));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).compact();
    let lines = level.is_none().then(|| lines.with_filter(LevelFilter::WARN));
    tracing_subscriber::registry().with(edge::usage::Meter::layer()).with(functions).with(lines).init();
}

fn run(runtime: &tokio::runtime::Runtime, options: Options) -> Result<(), String> {
    let api = Api::read()?;
    if let Some(Command::Audit(audit)) = &options.command {
        let (directory, _engine, _) = open(runtime, &options)?;
        return runtime.block_on(audit.answer(directory, &options.tenant));
    }
    // Before the data are opened, which another `cargo run` on this port would have.
    let listener = runtime.block_on(listen(options.port))?;
    let (directory, _engine, data) = open(runtime, &options)?;
    runtime.block_on(async {
        let token = token::obtain(directory, &options.tenant, &options.dialect, data.as_deref()).await?;
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        let feed = Arc::<Feed>::default();
        let gateway = Gateway::new(api, directory, address, feed.clone())?;
        let following = follow(&options, directory, feed, gateway.base_url())?;
        let kept = match (&options.dynamodb_endpoint, &data) {
            (Some(url), _) => url.clone(),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => "in memory, gone when this stops".to_owned(),
        };
        terminal::introduce(&gateway.base_url(), &token, &options.tenant, &kept);
        let served = serve(listener, gateway).await;
        if let Some(following) = following {
            following.finish(LAST_EVENTS).await;
        }
        served
    })
}

/// The directory, the engine that it is in if that is ours, and its file if it has one.
fn open(
    runtime: &tokio::runtime::Runtime,
    options: &Options,
) -> Result<(&'static Directory, Option<Engine>, Option<PathBuf>), String> {
    let data = place(options)?;
    let (url, credentials, engine) = match &options.dynamodb_endpoint {
        Some(url) if url.contains(".amazonaws.com") => (url.clone(), Credentials::Profile, None),
        Some(url) => (url.clone(), Credentials::Key("local".to_owned()), None),
        None => {
            let engine = Engine::start(data.as_deref())?;
            (engine.url.clone(), Credentials::Key(engine.key.clone()), Some(engine))
        }
    };
    let connection = Connection { endpoint: Some(url), table: options.table.clone(), credentials };
    let directory = runtime.block_on(connect(connection));
    let directory = directory.map_err(|error| unusable(options, data.as_deref(), &error))?;
    Ok((directory, engine, data))
}

/// Follows changes from here on, unless that is not wanted.
fn follow(
    options: &Options,
    directory: &'static Directory,
    feed: Arc<Feed>,
    base_url: String,
) -> Result<Option<Following>, String> {
    if options.no_events {
        return Ok(None);
    }
    let herald = Herald::new(options.events.as_deref())?;
    let telling = EventOptions { base_url, with_resources: options.event_resources };
    feed.tell(options.tenant.clone());
    Ok(Some(Follower::new(directory, feed, telling, herald).start()))
}

/// The file to keep the directory in, if one is wanted.
fn place(options: &Options) -> Result<Option<PathBuf>, String> {
    match (&options.data, options.memory || options.dynamodb_endpoint.is_some()) {
        (_, true) => Ok(None),
        (Some(path), false) => Ok(Some(path.clone())),
        (None, false) => engine::default_path().map(Some),
    }
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken; choose another with --port, or any with --port 0"),
        _ => format!("port {port} cannot be used: {error}"),
    })
}

async fn connect(connection: Connection) -> Result<&'static Directory, store::Error> {
    let directory = Directory::connect(connection).await?;
    directory.create_table().await?;
    Ok(Box::leak(Box::new(directory.with_access_check(rights::check))))
}

fn unusable(options: &Options, data: Option<&Path>, error: &store::Error) -> String {
    match (&options.dynamodb_endpoint, data) {
        (Some(url), _) => format!("the table {} cannot be used at {url}: {error}", options.table),
        (None, Some(path)) => engine::damaged(path),
        (None, None) => format!("the table {} cannot be made: {error}", options.table),
    }
}

/// Serves until the program is told to stop.
async fn serve(listener: TcpListener, gateway: Gateway) -> Result<(), String> {
    let router = Router::new().fallback(gateway::serve).with_state(Arc::new(gateway));
    let stop = Arc::new(tokio::sync::Notify::new());
    let stopped = stop.clone();
    // The end of a long answer would else wait for the acknowledgement of what came before it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stopped.notified().await });
    let server = server.into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended.map_err(|error| error.to_string()),
        () = told_to_stop() => stop.notify_one(),
    }
    // Whoever has not finished by then is cut off.
    let _ = tokio::time::timeout(LAST_REQUESTS, server).await;
    Ok(())
}

/// Ctrl-C, or SIGTERM.
async fn told_to_stop() {
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
