//! SCIM on Lambda on one machine: every function in one process, with a gateway that reads its routes from
//! template.yaml and an embedded DynamoDB. It is a development tool and is never deployed.

mod engine;
mod event_log;
mod finisher;
mod in_flight;
mod options;
mod owner_only;
mod relay;
mod server;
mod terminal;
mod token;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use gateway::template::Api;
use gateway::{Gateway, iam};
use service::EventOptions;
use store::{Connection, Credentials, Directory};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::engine::EngineServer;
use crate::event_log::EventLog;
use crate::in_flight::InFlightRequests;
use crate::options::{Command, Options};
use crate::relay::{OutboxRelay, RelayHandle};
use crate::server::HttpServer;

const THREAD_STACK_BYTES: usize = 8 * 1024 * 1024;
/// How long the relay may take to publish the last events when the program has to stop.
const LAST_EVENTS_LIMIT: Duration = Duration::from_secs(5);
/// The exit code of a program that cannot start.
const EXIT_UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    start_logging(options.log.as_deref());
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            terminal::print_error(&error);
            ExitCode::from(EXIT_UNUSABLE)
        }
    }
}

/// Counts DynamoDB calls. With a level, prints the log lines of the functions on standard error as Lambda writes
/// them; else only warnings and errors.
fn start_logging(level: Option<&str>) {
    let functions = level.map(|level| edge::log::lines(Some(level), io::stderr));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).compact();
    let lines = level.is_none().then(|| lines.with_filter(LevelFilter::WARN));
    tracing_subscriber::registry().with(edge::usage::UsageLayer::layer()).with(functions).with(lines).init();
}

fn run(options: &Options) -> Result<ExitCode> {
    // Without optimization the futures of the AWS SDK need more than the 2 MB of stack that a thread has by
    // default.
    let runtime = Builder::new_multi_thread().enable_all().thread_stack_size(THREAD_STACK_BYTES).build();
    let runtime = runtime.context("cannot start threads")?;
    let api = Api::read()?;
    match &options.command {
        Some(Command::Audit(audit)) => {
            let storage = Storage::open(&runtime, options)?;
            let mut output = io::stdout();
            let work = audit.run(storage.directory, &options.tenant, &mut output);
            terminal::print_note(&runtime.block_on(iam::as_function("AuditList", work))?);
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Check(check)) => {
            let storage = Storage::open(&runtime, options)?;
            let mut output = io::stdout();
            let work = check.run(storage.directory, &options.tenant, &mut output);
            let summary = runtime.block_on(iam::as_function("DirectoryCheck", work))?;
            terminal::print_note(&summary.text);
            Ok(if summary.is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        None => {
            // The port is taken before the data file is opened: if another `cargo run` has both, the error names
            // the port.
            let listener = runtime.block_on(listen(options.port))?;
            let storage = Storage::open(&runtime, options)?;
            runtime.block_on(serve(options, api, listener, &storage)).map(|()| ExitCode::SUCCESS)
        }
    }
}

async fn serve(options: &Options, api: Api, listener: TcpListener, storage: &Storage) -> Result<()> {
    let directory = storage.directory;
    let token = token::obtain(directory, &options.tenant, &options.dialect, storage.data.as_deref()).await?;
    let gateway = Gateway::new(api, directory, listener.local_addr()?.to_string())?;
    let base_url = gateway.base_url();
    let requests = Arc::<InFlightRequests>::default();
    let relay = start_relay(options, directory, requests.clone(), base_url.clone())?;
    let finisher = (!options.no_events).then(|| finisher::start(directory));
    terminal::print_banner(&base_url, &token, &options.tenant, &storage.description);
    let served = HttpServer { gateway, requests }.run(listener).await;
    if let Some(finisher) = finisher {
        finisher.abort();
    }
    if let Some(relay) = relay {
        relay.finish(LAST_EVENTS_LIMIT).await;
    }
    served
}

/// Starts the relay and lets it catch up, unless the options forbid it.
fn start_relay(
    options: &Options,
    directory: &'static Directory,
    requests: Arc<InFlightRequests>,
    base_url: String,
) -> Result<Option<RelayHandle>> {
    if options.no_events {
        return Ok(None);
    }
    let log = EventLog::open(options.events.as_deref())?;
    let event_options = EventOptions { base_url, with_resources: options.event_resources };
    requests.notify(options.tenant.clone());
    Ok(Some(OutboxRelay::new(directory, requests, event_options, log).start()))
}

/// Where the directory is kept.
struct Storage {
    directory: &'static Directory,
    /// The data file of the embedded engine.
    data: Option<PathBuf>,
    /// For the terminal.
    description: String,
    /// The embedded engine, which stops when this is dropped.
    _engine: Option<EngineServer>,
}

impl Storage {
    fn open(runtime: &Runtime, options: &Options) -> Result<Self> {
        let data = data_file(options)?;
        let (url, credentials, engine) = match &options.dynamodb_endpoint {
            Some(url) if url.contains(".amazonaws.com") => (url.clone(), Credentials::Profile, None),
            Some(url) => (url.clone(), Credentials::Key("local".to_owned()), None),
            None => {
                let engine = EngineServer::start(data.as_deref())?;
                (engine.url.clone(), Credentials::Key(engine.key.clone()), Some(engine))
            }
        };
        let connection = Connection { endpoint: Some(url), table: options.table.clone(), credentials };
        let directory = runtime.block_on(connect(connection));
        let directory = directory.map_err(|error| unusable(options, data.as_deref(), error))?;
        let description = match (&options.dynamodb_endpoint, &data) {
            (Some(url), _) => url.clone(),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => "in memory, lost when this stops".to_owned(),
        };
        Ok(Self { directory, data, description, _engine: engine })
    }
}

/// The data file of the embedded engine, if one is wanted.
fn data_file(options: &Options) -> Result<Option<PathBuf>> {
    if options.memory || options.dynamodb_endpoint.is_some() {
        return Ok(None);
    }
    options.data.clone().map_or_else(engine::default_path, Ok).map(Some)
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!("port {port} is in use; choose another with --port, or any with --port 0"),
        _ => anyhow!(error).context(format!("port {port} cannot be used")),
    })
}

async fn connect(connection: Connection) -> Result<&'static Directory, store::Error> {
    let directory = Directory::connect(connection).await?;
    directory.create_table().await?;
    Ok(Box::leak(Box::new(directory.with_access_check(iam::check))))
}

fn unusable(options: &Options, data: Option<&Path>, error: store::Error) -> anyhow::Error {
    let table = &options.table;
    match (&options.dynamodb_endpoint, data) {
        (Some(url), _) => anyhow!(error).context(format!("the table {table} cannot be used at {url}")),
        (None, Some(path)) => engine::damaged(path),
        (None, None) => anyhow!(error).context(format!("the table {table} cannot be created")),
    }
}
