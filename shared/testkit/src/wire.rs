//! HTTP/1.1 between the SDK and an engine: messages that follow each other on a connection.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request or a response, byte for byte.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    head_length: usize,
}

impl Message {
    /// Reads the next message. Returns `None` if the connection ends before the message is complete.
    pub(crate) async fn read(from: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let head_length = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                break at + 4;
            }
            if from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let mut message = Message { bytes, head_length };
        let length = message.header("content-length").and_then(|length| length.parse::<usize>().ok());
        loop {
            let is_complete = match length {
                Some(length) => message.body().len() >= length,
                None if message.header("transfer-encoding").is_some() => message.body().ends_with(b"0\r\n\r\n"),
                None => true,
            };
            if is_complete {
                return Ok(Some(message));
            }
            if from.read_buf(&mut message.bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// A response with a body in DynamoDB's JSON.
    pub(crate) fn response(status: u16, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} Proxied\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self { head_length: head.len(), bytes: (head + &body).into_bytes() }
    }

    /// The same request with another operation and another body, after which the connection stays open.
    pub(crate) fn with(&self, operation: &str, body: &Value) -> Self {
        let body = body.to_string();
        let head = String::from_utf8_lossy(&self.bytes[..self.head_length]);
        let is_replaced = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            ["connection", "content-length", "x-amz-target"].iter().any(|it| name.eq_ignore_ascii_case(it))
        };
        let kept: Vec<&str> = head.trim_end().lines().filter(|line| !is_replaced(line)).collect();
        let head = format!(
            "{}\r\nx-amz-target: DynamoDB_20120810.{operation}\r\ncontent-length: {}\r\n\r\n",
            kept.join("\r\n"),
            body.len()
        );
        Self { head_length: head.len(), bytes: (head + &body).into_bytes() }
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        let head = String::from_utf8_lossy(&self.bytes[..self.head_length]);
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.head_length..]
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.bytes[..self.head_length]);
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    }
}

/// Serves the connections of a proxy, in a thread of its own and for the rest of the process. `proxy` makes the proxy
/// from its URL.
pub(crate) fn listen<Proxy, Serving>(
    proxy: impl FnOnce(String) -> Proxy + Send + 'static,
    serve: impl Fn(Arc<Proxy>, TcpStream) -> Serving + Send + 'static,
) -> Arc<Proxy>
where
    Proxy: Send + Sync + 'static,
    Serving: Future<Output = io::Result<()>> + Send + 'static,
{
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let proxy = Arc::new(proxy(format!("http://{}", listener.local_addr().unwrap())));
            send.send(proxy.clone()).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                // A client that closes its connection is no failure.
                tokio::spawn(serve(proxy.clone(), client));
            }
        });
    });
    receive.recv().unwrap()
}

/// The address of an engine in its URL.
pub(crate) fn address(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

/// Sends a response with a body in DynamoDB's JSON.
pub(crate) async fn respond(to: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} Injected\r\ncontent-type: application/x-amz-json-1.0\r\n");
    to.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

/// Sends a call to the engine and returns its response, or `None` if the engine closes the connection.
pub(crate) async fn forward(call: &Message, engine: &mut TcpStream) -> io::Result<Option<Message>> {
    engine.write_all(&call.bytes).await?;
    Message::read(engine).await
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
