//! HTTP/1.1 as the SDK and the engines speak it, one message after the other on a connection.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request or an answer, as it came.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    head: usize,
}

impl Message {
    /// The next message; `None` where the connection ends before it is whole.
    pub(crate) async fn read(from: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                break at + 4;
            }
            if from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let mut message = Message { bytes, head };
        let length = message.header("content-length").and_then(|length| length.parse::<usize>().ok());
        loop {
            let is_whole = match length {
                Some(length) => message.body().len() >= length,
                None if message.header("transfer-encoding").is_some() => message.body().ends_with(b"0\r\n\r\n"),
                None => true,
            };
            if is_whole {
                return Ok(Some(message));
            }
            if from.read_buf(&mut message.bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.bytes[..self.head]);
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    }
}

/// An answer with a body in DynamoDB's JSON.
pub(crate) async fn answer(to: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} Injected\r\ncontent-type: application/x-amz-json-1.0\r\n");
    to.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

/// The engine's answer to a call; `None` where it goes away.
pub(crate) async fn forward(call: &Message, engine: &mut TcpStream) -> io::Result<Option<Message>> {
    engine.write_all(&call.bytes).await?;
    Message::read(engine).await
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
