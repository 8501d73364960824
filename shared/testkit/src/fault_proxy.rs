//! A proxy in front of an engine that injects the faults of DynamoDB and of networks, at random, by a seed and at a
//! rate.

use std::io;
use std::ops::Range;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::wire::{Message, address, forward, listen, respond};

/// How long a late call is delayed.
const DELAY_MS: Range<u64> = 1..80;
/// One of `LONG_DELAY_ONE_IN` late calls takes longer than the SDK waits for it.
const LONG_DELAY: Duration = Duration::from_millis(4_500);
const LONG_DELAY_ONE_IN: u32 = 400;

/// A fault that is injected into a call.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The call is throttled and not carried out. A batch leaves all of its items unprocessed.
    Throttle,
    /// A transaction conflicts with another and is not carried out.
    Conflict,
    /// The call returns 500 and is not carried out.
    Error,
    /// The call is carried out late.
    Delay,
    /// The connection is closed before the call is carried out.
    Reset,
    /// The call is carried out, and the connection is closed before the response.
    LoseResponse,
}

/// A proxy that injects faults.
#[derive(Debug, Clone)]
pub struct FaultProxy {
    injector: Arc<FaultInjector>,
}

#[derive(Debug)]
struct FaultInjector {
    url: String,
    engine: String,
    random: Mutex<Rng>,
    /// The fault rate, in faults per million calls.
    rate: AtomicU64,
    /// Calls while the rate was above zero.
    exposed_calls: AtomicU64,
    /// Injected faults.
    faults: AtomicU64,
    /// All calls, at any rate.
    total_calls: AtomicU64,
    kill: Mutex<Option<ProcessKill>>,
    /// Added to each call.
    latency_ms: AtomicU64,
}

/// The kill of a process at a call.
#[derive(Debug, Clone, Copy)]
struct ProcessKill {
    /// The number of the call.
    call: u64,
    process: u32,
    /// Whether the engine carries the call out before the process is killed.
    is_carried_out: bool,
}

impl ProcessKill {
    async fn carry_out(self, call: &Message, engine: &mut TcpStream) -> io::Result<()> {
        if self.is_carried_out {
            forward(call, engine).await?;
        }
        let status = Command::new("kill").args(["-KILL", &self.process.to_string()]).status()?;
        assert!(status.success(), "{status}");
        Ok(())
    }
}

impl FaultProxy {
    /// Starts a proxy in front of this engine, for the rest of the process. It injects nothing until a rate is set.
    pub fn before(engine: &str, seed: u64) -> Self {
        let engine = address(engine);
        let injector = move |url| FaultInjector {
            url,
            engine,
            random: Mutex::new(Rng::with_seed(seed)),
            rate: AtomicU64::default(),
            exposed_calls: AtomicU64::default(),
            faults: AtomicU64::default(),
            total_calls: AtomicU64::default(),
            kill: Mutex::default(),
            latency_ms: AtomicU64::default(),
        };
        let serve = |injector: Arc<FaultInjector>, client| async move { injector.serve(client).await };
        Self { injector: listen(injector, serve) }
    }

    pub fn url(&self) -> &str {
        &self.injector.url
    }

    /// Sets the percentage of calls that fail from now on.
    pub fn fail(&self, percent: f64) {
        assert!((0.0..=100.0).contains(&percent), "{percent} percent");
        self.injector.rate.store((percent * 10_000.0) as u64, Ordering::SeqCst);
    }

    /// Adds a latency to each call from now on, so that concurrent calls overlap, however busy the machine is.
    pub fn add_latency(&self, latency: Duration) {
        self.injector.latency_ms.store(u64::try_from(latency.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Kills a process at its next call but `call`, before the engine carries that call out or before it responds.
    pub fn kill_at(&self, call: u64, process: u32, is_carried_out: bool) {
        let call = self.injector.total_calls.load(Ordering::SeqCst) + call;
        *self.injector.kill.lock().unwrap() = Some(ProcessKill { call, process, is_carried_out });
    }

    /// The number of calls while the rate was above zero, and of the faults among them.
    pub fn counts(&self) -> (u64, u64) {
        (self.injector.exposed_calls.load(Ordering::SeqCst), self.injector.faults.load(Ordering::SeqCst))
    }
}

impl FaultInjector {
    /// Serves the calls of one connection.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut engine = TcpStream::connect(&self.engine).await?;
        client.set_nodelay(true)?;
        engine.set_nodelay(true)?;
        while let Some(call) = Message::read(&mut client).await? {
            let operation = call.header("x-amz-target").unwrap_or_default();
            let operation = operation.rsplit('.').next().unwrap_or_default();
            if let Some(kill) = self.kill_at_call(self.total_calls.fetch_add(1, Ordering::SeqCst)) {
                return kill.carry_out(&call, &mut engine).await;
            }
            let latency = Duration::from_millis(self.latency_ms.load(Ordering::SeqCst));
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            let (fault, delay) = self.draw(operation);
            match fault {
                Some(Fault::Throttle) if operation.starts_with("Batch") => {
                    let body: Value = serde_json::from_slice(call.body()).unwrap_or_default();
                    let items = &body["RequestItems"];
                    let unprocessed = json!({ "UnprocessedKeys": items, "UnprocessedItems": items });
                    respond(&mut client, 200, &unprocessed.to_string()).await?;
                }
                Some(Fault::Throttle) => respond(&mut client, 400, &error("ThrottlingException")).await?,
                Some(Fault::Error) => respond(&mut client, 500, &error("InternalServerError")).await?,
                Some(Fault::Conflict) => respond(&mut client, 400, &conflict(call.body())).await?,
                Some(Fault::Reset) => return Ok(()),
                Some(Fault::LoseResponse) => return forward(&call, &mut engine).await.map(drop),
                Some(Fault::Delay) | None => {
                    tokio::time::sleep(delay).await;
                    let Some(response) = forward(&call, &mut engine).await? else { return Ok(()) };
                    client.write_all(&response.bytes).await?;
                }
            }
        }
        Ok(())
    }

    fn kill_at_call(&self, call: u64) -> Option<ProcessKill> {
        self.kill.lock().unwrap().take_if(|kill| kill.call == call)
    }

    fn draw(&self, operation: &str) -> (Option<Fault>, Duration) {
        let rate = self.rate.load(Ordering::SeqCst);
        self.exposed_calls.fetch_add(u64::from(rate > 0), Ordering::SeqCst);
        let mut random = self.random.lock().unwrap();
        if random.u64(0..1_000_000) >= rate {
            return (None, Duration::ZERO);
        }
        self.faults.fetch_add(1, Ordering::SeqCst);
        let fault = match random.u8(0..6) {
            0 => Fault::Throttle,
            1 if operation == "TransactWriteItems" => Fault::Conflict,
            1 | 2 => Fault::Error,
            3 => Fault::Delay,
            4 => Fault::Reset,
            _ => Fault::LoseResponse,
        };
        let delay = match fault {
            Fault::Delay if random.u32(0..LONG_DELAY_ONE_IN) == 0 => LONG_DELAY,
            Fault::Delay => Duration::from_millis(random.u64(DELAY_MS)),
            _ => Duration::ZERO,
        };
        (Some(fault), delay)
    }
}

fn error(code: &str) -> String {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" }).to_string()
}

/// The response to a transaction whose last action conflicts with another transaction.
fn conflict(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let actions = body["TransactItems"].as_array().map_or(1, Vec::len);
    let code = |number| if number == actions { "TransactionConflict" } else { "None" };
    let reasons: Value = (1..=actions).map(|number| json!({ "Code": code(number) })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    json!({ "__type": kind, "message": "injected", "CancellationReasons": reasons }).to_string()
}
