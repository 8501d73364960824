//! A proxy in front of an engine that forwards reads, and acknowledges writes without carrying them out.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Message, forward, respond};

/// A proxy that changes nothing in its engine.
#[derive(Debug, Clone)]
pub struct ReadOnlyProxy {
    url: String,
}

impl ReadOnlyProxy {
    /// Starts a proxy in front of this engine, for the rest of the process.
    pub fn before(engine: &str) -> Self {
        let (send, receive) = mpsc::channel();
        let engine = engine.trim_start_matches("http://").trim_end_matches('/').to_owned();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    let engine = engine.clone();
                    // A client that closes its connection is no failure.
                    tokio::spawn(async move { serve(client, &engine).await.ok() });
                }
            });
        });
        Self { url: receive.recv().unwrap() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Serves the calls of one connection.
async fn serve(mut client: TcpStream, engine: &str) -> io::Result<()> {
    let mut engine = TcpStream::connect(engine).await?;
    client.set_nodelay(true)?;
    engine.set_nodelay(true)?;
    while let Some(call) = Message::read(&mut client).await? {
        let operation = call.header("x-amz-target").unwrap_or_default();
        match operation.rsplit('.').next().unwrap_or_default() {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem" => {
                respond(&mut client, 200, "{}").await?;
            }
            _ => {
                let Some(response) = forward(&call, &mut engine).await? else { return Ok(()) };
                client.write_all(&response.bytes).await?;
            }
        }
    }
    Ok(())
}
