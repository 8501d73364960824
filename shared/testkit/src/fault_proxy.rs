//! A proxy before an engine that fails as DynamoDB and networks do, at random, by a seed and at a rate.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Message, answer, forward};

/// How long a call is held back: usually, and now and then for longer than the SDK waits for it.
const DELAY_MS: std::ops::Range<u64> = 1..80;
const LONG_DELAY: Duration = Duration::from_millis(4_500);
const LONG_IN: u32 = 400;

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is refused as too many, and not carried out; of a batch, all is left over.
    Throttle,
    /// A transaction meets another, and is not carried out.
    Conflict,
    /// 500, and it is not carried out.
    Error,
    /// It is carried out late.
    Delay,
    /// The connection is closed before it is carried out.
    Reset,
    /// It is carried out, and the connection is closed in place of the answer.
    LoseAnswer,
}

/// A proxy that fails at a rate.
#[derive(Debug, Clone)]
pub struct Faulty {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    engine: String,
    random: Mutex<Rng>,
    /// Of a million calls, so many fail.
    rate: AtomicU64,
    calls: AtomicU64,
    injected: AtomicU64,
    /// All calls, whatever the rate.
    heard: AtomicU64,
    death: Mutex<Option<Death>>,
    /// How much longer each call takes, in milliseconds.
    held: AtomicU64,
}

/// The end of a process at a call.
#[derive(Debug, Clone, Copy)]
struct Death {
    call: u64,
    process: u32,
    is_carried_out: bool,
}

impl Faulty {
    /// Before this engine, for the rest of the process. It fails in no way until it is told a rate.
    pub fn before(engine: &str, seed: u64) -> Self {
        let (send, receive) = mpsc::channel();
        let engine = engine.trim_start_matches("http://").trim_end_matches('/').to_owned();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                let random = Mutex::new(Rng::with_seed(seed));
                let count = AtomicU64::default;
                let (rate, calls, injected, heard, held) = (count(), count(), count(), count(), count());
                let death = Mutex::default();
                let shared = Shared { url, engine, random, rate, calls, injected, heard, death, held };
                let shared = Arc::new(shared);
                send.send(shared.clone()).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    let shared = shared.clone();
                    // Whoever goes away does not matter.
                    tokio::spawn(async move { drop(shared.serve(client).await) });
                }
            });
        });
        Self { shared: receive.recv().unwrap() }
    }

    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// From now on so many of a hundred calls fail.
    pub fn fail(&self, percent: f64) {
        assert!((0.0..=100.0).contains(&percent), "{percent} percent");
        self.shared.rate.store((percent * 10_000.0) as u64, Ordering::SeqCst);
    }

    /// From now on each call takes so much longer: calls that are sent at once are then under way at once, however busy the machine is.
    pub fn hold(&self, time: Duration) {
        self.shared.held.store(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Kills a process at its next call but so many, before that one is carried out or before it is answered.
    pub fn kill_at(&self, call: u64, process: u32, is_carried_out: bool) {
        let call = self.shared.heard.load(Ordering::SeqCst) + call;
        *self.shared.death.lock().unwrap() = Some(Death { call, process, is_carried_out });
    }

    /// How many calls there were while some failed, and how many of them did.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.calls.load(Ordering::SeqCst), self.shared.injected.load(Ordering::SeqCst))
    }
}

impl Shared {
    /// The calls of one connection.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut engine = TcpStream::connect(&self.engine).await?;
        client.set_nodelay(true)?;
        engine.set_nodelay(true)?;
        while let Some(call) = Message::read(&mut client).await? {
            let operation = call.header("x-amz-target").unwrap_or_default();
            let operation = operation.rsplit('.').next().unwrap_or_default();
            if let Some(death) = self.death_at(self.heard.fetch_add(1, Ordering::SeqCst)) {
                if death.is_carried_out {
                    forward(&call, &mut engine).await?;
                }
                let killed = Command::new("kill").args(["-KILL", &death.process.to_string()]).status()?;
                assert!(killed.success(), "{killed}");
                return Ok(());
            }
            let held = Duration::from_millis(self.held.load(Ordering::SeqCst));
            if !held.is_zero() {
                tokio::time::sleep(held).await;
            }
            let (fault, delay) = self.draw(operation);
            match fault {
                Some(Fault::Throttle) if operation.starts_with("Batch") => {
                    let body: Value = serde_json::from_slice(call.body()).unwrap_or_default();
                    let left = &body["RequestItems"];
                    let left = json!({ "UnprocessedKeys": left, "UnprocessedItems": left });
                    answer(&mut client, 200, &left.to_string()).await?;
                }
                Some(Fault::Throttle) => answer(&mut client, 400, &error("ThrottlingException")).await?,
                Some(Fault::Error) => answer(&mut client, 500, &error("InternalServerError")).await?,
                Some(Fault::Conflict) => answer(&mut client, 400, &conflict(call.body())).await?,
                Some(Fault::Reset) => return Ok(()),
                Some(Fault::LoseAnswer) => return forward(&call, &mut engine).await.map(drop),
                Some(Fault::Delay) | None => {
                    tokio::time::sleep(delay).await;
                    let Some(said) = forward(&call, &mut engine).await? else { return Ok(()) };
                    client.write_all(&said.bytes).await?;
                }
            }
        }
        Ok(())
    }

    fn death_at(&self, call: u64) -> Option<Death> {
        self.death.lock().unwrap().take_if(|death| death.call == call)
    }

    fn draw(&self, operation: &str) -> (Option<Fault>, Duration) {
        let rate = self.rate.load(Ordering::SeqCst);
        self.calls.fetch_add(u64::from(rate > 0), Ordering::SeqCst);
        let mut random = self.random.lock().unwrap();
        if random.u64(0..1_000_000) >= rate {
            return (None, Duration::ZERO);
        }
        self.injected.fetch_add(1, Ordering::SeqCst);
        let fault = match random.u8(0..6) {
            0 => Fault::Throttle,
            1 if operation == "TransactWriteItems" => Fault::Conflict,
            1 | 2 => Fault::Error,
            3 => Fault::Delay,
            4 => Fault::Reset,
            _ => Fault::LoseAnswer,
        };
        let delay = match fault {
            Fault::Delay if random.u32(0..LONG_IN) == 0 => LONG_DELAY,
            Fault::Delay => Duration::from_millis(random.u64(DELAY_MS)),
            _ => Duration::ZERO,
        };
        (Some(fault), delay)
    }
}

fn error(code: &str) -> String {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" }).to_string()
}

/// A transaction whose last action meets another one.
fn conflict(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let actions = body["TransactItems"].as_array().map_or(1, Vec::len);
    let code = |number| if number == actions { "TransactionConflict" } else { "None" };
    let reasons: Value = (1..=actions).map(|number| json!({ "Code": code(number) })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    json!({ "__type": kind, "message": "injected", "CancellationReasons": reasons }).to_string()
}
