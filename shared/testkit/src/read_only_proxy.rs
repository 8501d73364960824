//! A proxy before an engine that carries out what reads, and answers what writes as if it had been carried out.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Message, answer, forward};

/// A proxy that lets nothing change.
#[derive(Debug, Clone)]
pub struct Unchanging {
    url: String,
}

impl Unchanging {
    /// Before this engine, for the rest of the process.
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
                    // Whoever goes away does not matter.
                    tokio::spawn(async move { drop(serve(client, &engine).await) });
                }
            });
        });
        Self { url: receive.recv().unwrap() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The calls of one connection.
async fn serve(mut client: TcpStream, engine: &str) -> io::Result<()> {
    let mut engine = TcpStream::connect(engine).await?;
    client.set_nodelay(true)?;
    engine.set_nodelay(true)?;
    while let Some(call) = Message::read(&mut client).await? {
        let operation = call.header("x-amz-target").unwrap_or_default();
        match operation.rsplit('.').next().unwrap_or_default() {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem" => {
                answer(&mut client, 200, "{}").await?;
            }
            _ => {
                let Some(said) = forward(&call, &mut engine).await? else { return Ok(()) };
                client.write_all(&said.bytes).await?;
            }
        }
    }
    Ok(())
}
