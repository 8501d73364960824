//! A DynamoDB that can fail: an engine, and before it a proxy that answers as AWS does under load, or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use serde_json::{Value, json};
use testkit::engine;

/// The one write of resources.
pub(crate) const TRANSACTION: Calls = Calls::Of("TransactWriteItems");

/// What happens to a call.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The connection is closed, and the engine never hears of it.
    Close,
    /// The engine carries it out, and the connection is closed in place of the answer.
    LoseAnswer,
    /// It is carried out once every call passes again.
    Hold,
    /// This status and error code; the engine never hears of it.
    Answer(u16, &'static str),
    /// This is the answer; the engine never hears of it.
    Reply(&'static str),
    /// A transaction is cancelled for this reason, which its last action has.
    Cancel(&'static str),
}

/// Which calls fail.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    All,
    /// Those about tokens pass, so that the authorizer lets requests through to the functions.
    ExceptTokens,
    Of(&'static str),
}

/// A fault that spares some calls, and then strikes so many.
struct Rule {
    calls: Calls,
    fault: Fault,
    spared: usize,
    times: usize,
}

#[derive(Default)]
struct State {
    /// The first one that has something to say about a call decides.
    rules: Vec<Rule>,
    /// Operation and body of each call since the rules began.
    heard: Vec<(String, Value)>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    closed: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        engine();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, closed) = (Arc::<Mutex<State>>::default(), Arc::<AtomicBool>::default());
        let (shared, closing) = (state.clone(), closed.clone());
        let serving = thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept()
                && !closing.load(Ordering::SeqCst)
            {
                let state = shared.clone();
                // A caller that went away is none of the proxy's business.
                thread::spawn(move || drop(serve(socket, &state)));
            }
        });
        Self { address, state, closed, serving: Some(serving) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on these calls fail.
    pub(crate) fn fail(&self, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared: 0, times: usize::MAX });
    }

    /// The next so many of these calls fail.
    pub(crate) fn fail_times(&self, times: usize, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared: 0, times });
    }

    /// These calls fail after so many more.
    pub(crate) fn fail_after(&self, spared: usize, calls: Calls, fault: Fault) {
        self.add(Rule { calls, fault, spared, times: usize::MAX });
    }

    /// Waits until every fault has struck as often as it was to.
    pub(crate) fn wait(&self) {
        while self.state.lock().unwrap().rules.iter().any(|rule| rule.times > 0) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn add(&self, rule: Rule) {
        let mut state = self.state.lock().unwrap();
        if state.rules.is_empty() {
            state.heard.clear();
        }
        state.rules.push(rule);
    }

    /// Every call passes again. The calls that came since they did not.
    pub(crate) fn pass(&self) -> Vec<(String, Value)> {
        let mut state = self.state.lock().unwrap();
        state.rules.clear();
        mem::take(&mut state.heard)
    }

    /// Nobody listens on the port any more.
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

impl State {
    fn fault(&mut self, operation: &str, body: &Value) -> Option<Fault> {
        self.heard.push((operation.to_owned(), body.clone()));
        let about_tokens = body["Key"]["pk"]["S"] == "token";
        let rule = self.rules.iter_mut().filter(|rule| rule.times > 0).find(|rule| match rule.calls {
            Calls::All => true,
            Calls::ExceptTokens => !about_tokens,
            Calls::Of(wanted) => wanted == operation && !about_tokens,
        })?;
        if rule.spared > 0 {
            rule.spared -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.fault)
    }
}

/// One call; the connection is closed after it.
fn serve(mut client: TcpStream, state: &Mutex<State>) -> io::Result<()> {
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

/// The operation and the body, once they are there.
fn parse(request: &[u8]) -> Option<(String, Value)> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&request[..end]).unwrap();
    let header = |wanted: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).unwrap_or_default()
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

/// Everything that a table holds of a tenant, its tokens apart, in a fixed order.
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

/// An item of a table.
pub(crate) fn item(table: &str, pk: &str, sk: &str) -> Value {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    call("GetItem", &json!({ "TableName": table, "Key": key, "ConsistentRead": true }))["Item"].clone()
}

/// Puts items into a table behind the server's back.
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

/// The engines look at the key's name alone, and it is `local`'s.
const UNCHECKED: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                         SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";
