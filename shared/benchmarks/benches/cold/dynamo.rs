//! DynamoDB for the functions: the embedded engine with a table, behind TLS on loopback.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::Listener;
use axum::{Json, Router};
use protocol::Caller;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use store::{Connection, Credentials, Directory};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

pub(crate) const KEY: &str = "local";
pub(crate) const TABLE: &str = "Table";
/// The files with the machine's certificate authorities, from which a function on Lambda reads them.
const BUNDLES: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];

pub(crate) struct Dynamo {
    pub(crate) url: String,
    /// The URL of an EventBridge that accepts everything.
    pub(crate) bus: String,
    /// The file of the certificate authorities that a function trusts.
    pub(crate) bundle: PathBuf,
    /// The same table, to prepare resources.
    pub(crate) directory: &'static Directory,
    busy: Arc<AtomicU64>,
    _folder: TempDir,
    _runtime: Runtime,
}

impl Dynamo {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle.pem");
        let (acceptor, authority) = certificates();
        let own = BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        std::fs::write(&bundle, own + &authority).unwrap();
        let busy = Arc::<AtomicU64>::default();
        let (tls, plain, bus) = runtime.block_on(async { (listen().await, listen().await, listen().await) });
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let (url, bus_url) =
            (format!("https://localhost:{}", address(&tls).port()), format!("http://{}", address(&bus)));
        let endpoint = format!("http://{}", address(&plain));
        let router = embedded::router(embedded::Database::memory().unwrap(), KEY.to_owned());
        let watched = router.clone().layer(from_fn_with_state(busy.clone(), measure));
        runtime.spawn(async { axum::serve(plain, router).await });
        runtime.spawn(async { axum::serve(Tls { listener: tls, acceptor }, watched).await });
        runtime.spawn(async { axum::serve(bus, Router::new().fallback(put_events)).await });
        let credentials = Credentials::Key(KEY.to_owned());
        let connection = Connection { endpoint: Some(endpoint), table: TABLE.to_owned(), credentials };
        let directory = runtime.block_on(Directory::connect(connection)).unwrap();
        runtime.block_on(directory.create_table()).unwrap();
        Self {
            url,
            bus: bus_url,
            bundle,
            directory: Box::leak(Box::new(directory)),
            busy,
            _folder: folder,
            _runtime: runtime,
        }
    }

    /// Loads this number of users.
    pub(crate) async fn fill(&self, users: usize) {
        let caller = Caller::from_context("acme", "token", "read write", None).unwrap();
        self.directory.load(&caller, 0..users).await.unwrap();
    }

    /// How long DynamoDB has worked for functions since the last call of this method.
    pub(crate) fn take_busy_time(&self) -> Duration {
        Duration::from_nanos(self.busy.swap(0, Ordering::SeqCst))
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn measure(State(busy): State<Arc<AtomicU64>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    busy.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::SeqCst);
    response
}

async fn put_events(Json(events): Json<Value>) -> Json<Value> {
    let taken = events["Entries"].as_array().map_or(0, Vec::len);
    Json(json!({ "FailedEntryCount": 0, "Entries": vec![json!({ "EventId": "1" }); taken] }))
}

/// The TLS server `localhost`, and its certificate authority in PEM. Both keys are ECDSA on P-256.
fn certificates() -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![CertificateDer::from(certificate)], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            stream.set_nodelay(true).unwrap();
            // A function that is killed may leave its handshake incomplete.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
