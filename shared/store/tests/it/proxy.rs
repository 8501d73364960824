//! A proxy in front of the engine that fails as DynamoDB and networks do, because no local engine does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// The fault that the proxy injects into one call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The proxy responds with this status and body. The call does not reach the engine.
    Answer(u16, Value),
    /// The proxy closes the connection. The call does not reach the engine.
    Reset,
    /// The engine executes the call, and the proxy closes the connection before the response.
    LoseAnswer,
    /// The engine executes the call, and the response ends in the middle of its body.
    CutAnswer,
    /// The proxy never responds. The call does not reach the engine.
    Hang,
    /// The proxy responds that no item of a batch was processed.
    Unprocessed,
    /// Calls whose body contains this text wait for a permit. Other calls reach the engine.
    Hold(String, Arc<Semaphore>),
    None,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    /// The faults of successive calls of one operation. The last one applies to all later calls.
    faults: Arc<Mutex<(String, VecDeque<Fault>)>>,
    /// The request bodies of that operation.
    pub(crate) calls: Arc<Mutex<Vec<Value>>>,
    /// The call, of any operation, at which the process dies. Later calls fail.
    death: Option<(usize, CrashPoint)>,
    /// The number of calls of any operation.
    made: Arc<AtomicUsize>,
}

/// Whether the engine executes the last call of a process that dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    Before,
    After,
}

pub(crate) fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" })
}

pub(crate) fn cancelled(codes: &[&str]) -> Value {
    let mut body = error("TransactionCanceledException");
    body["CancellationReasons"] = codes.iter().map(|code| json!({ "Code": code })).collect();
    body
}

impl Proxy {
    pub(crate) async fn start(operation: &str, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::listen(operation, faults, None).await
    }

    /// A proxy for a process that dies at this call, counted from 0, or does not die.
    pub(crate) async fn before_death(death: Option<(usize, CrashPoint)>) -> Self {
        Self::listen("", [], death).await
    }

    /// The number of calls.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    async fn listen(
        operation: &str,
        faults: impl IntoIterator<Item = Fault>,
        death: Option<(usize, CrashPoint)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            faults: Arc::new(Mutex::new((operation.to_owned(), faults.into_iter().collect()))),
            calls: Arc::default(),
            death,
            made: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(socket).await });
            }
        });
        proxy
    }

    /// Serves one call and closes the connection.
    async fn serve(&self, mut client: TcpStream) {
        let mut request = Vec::new();
        let (head, body) = loop {
            if client.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
            let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(request[..end].to_vec()).unwrap().to_lowercase();
            let length: usize = header(&head, "content-length").parse().unwrap();
            while request.len() < end + 4 + length {
                client.read_buf(&mut request).await.unwrap();
            }
            break (head, serde_json::from_slice::<Value>(&request[end + 4..]).unwrap());
        };
        match self.fault(&head, &body) {
            Fault::Answer(status, body) => answer(&mut client, status, &body).await,
            Fault::Unprocessed => {
                let left = json!({ "UnprocessedKeys": body["RequestItems"], "UnprocessedItems": body["RequestItems"] });
                answer(&mut client, 200, &left).await;
            }
            Fault::Reset => {}
            Fault::Hang => std::future::pending().await,
            Fault::LoseAnswer => drop(forward(&request).await),
            Fault::CutAnswer => {
                let answer = forward(&request).await;
                client.write_all(&answer[..answer.len() - 1]).await.unwrap();
            }
            Fault::Hold(text, gate) => {
                if body.to_string().contains(&text) {
                    gate.acquire().await.unwrap().forget();
                }
                client.write_all(&forward(&request).await).await.unwrap();
            }
            Fault::None => client.write_all(&forward(&request).await).await.unwrap(),
        }
    }

    fn fault(&self, head: &str, body: &Value) -> Fault {
        let call = self.made.fetch_add(1, Ordering::SeqCst);
        match self.death {
            Some((at, CrashPoint::After)) if call == at => return Fault::LoseAnswer,
            Some((at, _)) if call >= at => return Fault::Reset,
            _ => {}
        }
        let mut faults = self.faults.lock().unwrap();
        if !header(head, "x-amz-target").ends_with(&format!(".{}", faults.0.to_lowercase())) {
            return Fault::None;
        }
        self.calls.lock().unwrap().push(body.clone());
        let next = if faults.1.len() > 1 { faults.1.pop_front() } else { faults.1.front().cloned() };
        next.unwrap_or(Fault::None)
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

async fn answer(client: &mut TcpStream, status: u16, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Injected\r\ncontent-type: application/x-amz-json-1.0\r\n");
    let answer = format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    client.write_all(answer.as_bytes()).await.unwrap();
}

async fn forward(request: &[u8]) -> Vec<u8> {
    let mut engine = TcpStream::connect(testkit::engine().trim_start_matches("http://")).await.unwrap();
    let line = request.windows(2).position(|bytes| bytes == b"\r\n").unwrap() + 2;
    engine.write_all(&[&request[..line], b"connection: close\r\n", &request[line..]].concat()).await.unwrap();
    let mut answer = Vec::new();
    engine.read_to_end(&mut answer).await.unwrap();
    answer
}
