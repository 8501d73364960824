//! The engine of the tests.

use std::env;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

/// The engine's URL: the one that `DYNAMODB_ENDPOINT` names, or else one in memory, the same for the whole process. That one's
/// calls block the threads that serve it, so it has its own.
pub fn engine() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| env::var("DYNAMODB_ENDPOINT").unwrap_or_else(|_| embedded()))
}

fn embedded() -> String {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
            embedded::serve(listener, embedded::Database::memory().unwrap(), "local".to_owned()).await.unwrap();
        });
    });
    receive.recv().unwrap()
}
