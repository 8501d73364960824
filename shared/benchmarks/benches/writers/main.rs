//! Several writers add members to one group and remove them, each a request after the other, and never the same member.
//! Prints a table in Markdown: how many changes all writers complete in a second, and how many DynamoDB calls a change
//! takes.
//!
//!     cargo bench -p benchmarks --bench writers    on the embedded engine
//!     DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo bench -p benchmarks --bench writers
//!     SCIM_AWS=torn-transactions,conflicts cargo bench -p benchmarks --bench writers    transactions take 30 ms
//!     WRITERS=1,8 WRITER_SECONDS=10 cargo bench -p benchmarks --bench writers

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its table"
)]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::{Caller, Error, Exchange, Precondition, Projection};
use schema::{Dialect, Kind, Object};
use serde_json::{Value, json};
use service::Context;
use store::{Connection, Credentials, Directory};
use testkit::{CallMeter, variable};
use tracing_subscriber::util::SubscriberInitExt;

/// The members that one writer adds and removes.
const MEMBERS: usize = 20;

struct WriterBenchmark {
    directory: Directory,
    caller: Caller,
    group: String,
    users: Vec<String>,
}

/// The numbers of changes of one writer.
#[derive(Default)]
struct WriterCounts {
    changes: usize,
    refused: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let numbers = std::env::var("WRITERS").unwrap_or_else(|_| "1,2,4,8".to_owned());
    let numbers: Vec<usize> = numbers.split(',').map(|number| number.parse().expect("WRITERS are numbers")).collect();
    let time = Duration::from_secs(variable("WRITER_SECONDS", 5));
    let meter = CallMeter::default();
    meter.subscriber().init();
    runtime.block_on(async {
        let most = numbers.iter().max().copied().unwrap_or_default();
        let bench = WriterBenchmark::new(testkit::engine(), most * MEMBERS).await;
        println!("| writers | changes per second | calls per change | refused with 429 |\n|---|---|---|---|");
        for number in numbers {
            meter.begin();
            let until = Instant::now() + time;
            let done = join_all(bench.users.chunks(MEMBERS).take(number).map(|users| bench.write(users, until))).await;
            let sum = |of: fn(&WriterCounts) -> usize| done.iter().map(of).sum::<usize>();
            let changes = sum(|done| done.changes);
            let refused = sum(|done| done.refused);
            let rate = changes as f64 / time.as_secs_f64();
            let calls = meter.take().calls as f64 / changes as f64;
            println!("| {number} | {rate:.0} | {calls:.1} | {refused} |");
        }
    });
}

impl WriterBenchmark {
    async fn new(url: &str, users: usize) -> Self {
        let connection = Connection {
            endpoint: Some(url.to_owned()),
            table: format!("writers-{:016x}", fastrand::u64(..)),
            credentials: Credentials::Key("local".to_owned()),
        };
        let directory = Directory::connect(connection).await.unwrap();
        directory.create_table().await.unwrap();
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        let users = directory.load(&caller, 0..users).await.unwrap();
        let mut bench = Self { directory, caller, group: String::new(), users };
        let group = object(json!({"displayName": "Everybody"}));
        let reply = service::create(&bench.context(), Kind::Group, &group, &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().clone_into(&mut bench.group);
        bench
    }

    fn context(&self) -> Context<'_> {
        let deadline = Instant::now() + Duration::from_secs(26);
        Context::new(
            &self.directory,
            Exchange { caller: &self.caller, base_url: "https://api.example/scim/v2", deadline },
        )
    }

    /// Adds and removes these users in turn until the time is over.
    async fn write(&self, users: &[String], until: Instant) -> WriterCounts {
        let mut done = WriterCounts::default();
        for (n, user) in users.iter().chain(users).cycle().enumerate() {
            if Instant::now() >= until {
                break;
            }
            let op = if (n / users.len()).is_multiple_of(2) { "add" } else { "remove" };
            let operation = json!({"op": op, "path": "members", "value": [{"value": user}]});
            let body = object(json!({"Operations": [operation]}));
            let projection = without_members();
            let any = Precondition::default();
            match service::patch(&self.context(), Kind::Group, &self.group, &body, &projection, &any).await {
                Ok(_) => done.changes += 1,
                Err(Error::TooManyRequests { .. }) => done.refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        done
    }
}

fn without_members() -> Projection {
    Projection::parse(None, Some("members"), &Dialect::lenient()).unwrap()
}

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}
