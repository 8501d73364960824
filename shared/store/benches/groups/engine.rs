//! The engine and a table of the benchmark's own.

use std::sync::mpsc;

use store::{Connection, Credentials, Directory};
use uuid::Uuid;

/// Starts an engine in memory, on threads of its own, as its calls block those that serve them; its URL.
pub(crate) fn embedded() -> String {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
            dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()).await;
        });
    });
    receive.recv().unwrap()
}

pub(crate) async fn directory(url: &str) -> Directory {
    let table = format!("t{}", Uuid::now_v7());
    let connection = Connection { endpoint: Some(url.to_owned()), table, credentials: Credentials::Fixed };
    let directory = Directory::connect(connection).await.unwrap();
    directory.create_table().await.unwrap();
    directory
}
