//! A DynamoDB that can fail: an engine and a proxy that responds as AWS does under load, or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use serde_json::{Value, json};
use testkit::engine;

/// The only operation that writes resources.
pub(crate) const TRANSACTION: Calls = Calls::Of("TransactWriteItems");

/// The way in which a call fails.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The proxy closes the connection and does not forward the call.
    Close,
    /// The engine carries out the call, and the proxy closes the connection instead of responding.
    LoseAnswer,
    /// The proxy holds the call until every call passes again, and forwards it then.
    Hold,
    /// The proxy responds with this status and error code and does not forward the call.
    Answer(u16, &'static str),
    /// The proxy responds with this body and does not forward the call.
    Reply(&'static str),
    /// The proxy responds that the transaction is cancelled, with this reason for its last action.
    Cancel(&'static str),
}

/// Which calls fail.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    All,
    /// Calls about tokens pass, so that the authorizer lets requests through to the functions.
    ExceptTokens,
    Of(&'static str),
}

/// A fault that lets `spared` of the matching calls pass, and then makes `times` of them fail.
struct Rule {
    calls: Calls,
    fault: Fault,
    spared: usize,
    times: usize,
}

#[derive(Default)]
struct ProxyState {
    /// The first rule that matches a call applies to it.
    rules: Vec<Rule>,
    /// The operation and the body of each call since the last `pass`, or since the first rule that was added after
    /// it.
    calls: Vec<(String, Value)>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<ProxyState>>,
    closed: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        engine();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<ProxyState>>::default();
        let closed = Arc::<AtomicBool>::default();
        let shared = state.clone();
        let closing = closed.clone();
        let serving = thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept()
                && !closing.load(Ordering::SeqCst)
            {
                let state = shared.clone();
                // An error means that the client has closed the connection, which is not a failure of the proxy.
                thread::spawn(move || drop(serve(socket, &state)));
            }
        });
        Self { address, state, closed, serving: Some(serving) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes these calls fail from now on.
    pub(crate) fn fail(&self, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared: 0, times: usize::MAX });
    }

    /// Makes the next `times` of these calls fail.
    pub(crate) fn fail_times(&self, times: usize, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared: 0, times });
    }

    /// Lets `spared` more of these calls pass, and makes the later ones fail.
    pub(crate) fn fail_after(&self, spared: usize, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared, times: usize::MAX });
    }

    /// Waits until every fault has affected as many calls as its rule specifies.
    pub(crate) fn wait(&self) {
        while self.state.lock().unwrap().rules.iter().any(|rule| rule.times > 0) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn add(&self, rule: Rule) {
        let mut state = self.state.lock().unwrap();
        if state.rules.is_empty() {
            state.calls.clear();
        }
        state.rules.push(rule);
    }

    /// Lets every call pass again, and returns the calls in `calls`.
    pub(crate) fn pass(&self) -> Vec<(String, Value)> {
        let mut state = self.state.lock().unwrap();
        state.rules.clear();
        mem::take(&mut state.calls)
    }

    /// Stops listening on the port.
    pub(crate) fn stop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(serving) = self.serving.take() {
            serving.join().unwrap();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

impl ProxyState {
    fn fault(&mut self, operation: &str, body: &Value) -> Option<Fault> {
        self.calls.push((operation.to_owned(), body.clone()));
        let about_tokens = body["Key"]["pk"]["S"] == "token";
        let rule = self.rules.iter_mut().filter(|rule| rule.times > 0).find(|rule| match rule.calls {
            Calls::All => true,
            Calls::ExceptTokens => !about_tokens,
            Calls::Of(name) => name == operation && !about_tokens,
        })?;
        if rule.spared > 0 {
            rule.spared -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.fault)
    }
}

/// Serves one call, and closes the connection after it.
fn serve(mut client: TcpStream, state: &Mutex<ProxyState>) -> io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 16 * 1024];
    let (operation, body) = loop {
        let length = client.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&chunk[..length]);
        if let Some(call) = parse(&request) {
            break call;
        }
    };
    let fault = state.lock().unwrap().fault(&operation, &body);
    match fault {
        None => client.write_all(&forward(&request)?),
        Some(Fault::Close) => Ok(()),
        Some(Fault::LoseAnswer) => forward(&request).map(drop),
        Some(Fault::Hold) => {
            while !state.lock().unwrap().rules.is_empty() {
                thread::sleep(Duration::from_millis(2));
            }
            client.write_all(&forward(&request)?)
        }
        Some(Fault::Answer(status, code)) => answer(&mut client, status, &error(code)),
        Some(Fault::Reply(text)) => answer(&mut client, 200, &serde_json::from_str(text).unwrap()),
        Some(Fault::Cancel(reason)) => {
            let actions = body["TransactItems"].as_array().map_or(1, Vec::len);
            let code = |number| if number == actions { reason } else { "None" };
            let mut cancelled = error("TransactionCanceledException");
            cancelled["CancellationReasons"] = (1..=actions).map(|number| json!({ "Code": code(number) })).collect();
            answer(&mut client, 400, &cancelled)
        }
    }
}

/// The operation and the body, once the whole request has arrived.
fn parse(request: &[u8]) -> Option<(String, Value)> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&request[..end]).unwrap();
    let header = |header_name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case(header_name))
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap();
    let body = request.get(end + 4..end + 4 + length)?;
    let operation = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
    Some((operation, serde_json::from_slice(body).unwrap()))
}

fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" })
}

fn answer(client: &mut TcpStream, status: u16, body: &Value) -> io::Result<()> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} Injected\r\ncontent-type: application/x-amz-json-1.0\r\n");
    let length = body.len();
    client.write_all(format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}").as_bytes())
}

fn forward(request: &[u8]) -> io::Result<Vec<u8>> {
    let mut engine = TcpStream::connect(engine().trim_start_matches("http://").trim_end_matches('/'))?;
    let line = request.windows(2).position(|bytes| bytes == b"\r\n").unwrap() + 2;
    engine.write_all(&[&request[..line], b"connection: close\r\n", &request[line..]].concat())?;
    let mut answer = Vec::new();
    engine.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Every item of a tenant in a table except its tokens, in a fixed order.
pub(crate) fn items(table: &str, tenant: &str) -> Vec<Value> {
    let mut scan = json!({
        "TableName": table, "ConsistentRead": true, "FilterExpression": "begins_with(pk, :tenant)",
        "ExpressionAttributeValues": { ":tenant": { "S": format!("{tenant}#") } },
    });
    let mut items = Vec::new();
    loop {
        let page = call("Scan", &scan);
        items.extend(page["Items"].as_array().expect("a page of items").iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            break;
        }
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
    items.sort_by_key(|item| format!("{} {}", item["pk"], item["sk"]));
    items
}

/// Reads an item of a table.
pub(crate) fn item(table: &str, pk: &str, sk: &str) -> Value {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    call("GetItem", &json!({ "TableName": table, "Key": key, "ConsistentRead": true }))["Item"].clone()
}

/// Puts items into a table directly, without the server.
pub(crate) fn load(table: &str, items: &[Value]) {
    thread::scope(|scope| {
        for share in items.chunks(items.len().div_ceil(4)) {
            scope.spawn(|| {
                for items in share.chunks(25) {
                    let puts: Value = items.iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
                    let answer = call("BatchWriteItem", &json!({ "RequestItems": { table: puts } }));
                    assert_eq!(answer["UnprocessedItems"], json!({}));
                }
            });
        }
    });
}

fn call(operation: &str, body: &Value) -> Value {
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    let request = agent
        .post(engine())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", UNCHECKED);
    let text = request.send(body.to_string()).unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The engines check only the access key id, and this one is that of `local`.
const UNCHECKED: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";
