//! A proxy in front of an engine that forwards reads, and acknowledges writes without carrying them out.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::wire::{Message, address, forward, listen, respond};

/// A proxy that changes nothing in its engine.
#[derive(Debug, Clone)]
pub struct ReadOnlyProxy {
    url: Arc<String>,
}

impl ReadOnlyProxy {
    /// Starts a proxy in front of this engine, for the rest of the process.
    pub fn before(engine: &str) -> Self {
        let engine = address(engine);
        let serve = move |_: Arc<String>, client| {
            let engine = engine.clone();
            async move { serve(client, &engine).await }
        };
        Self { url: listen(|url| url, serve) }
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
