//! The check of a table with many users and some groups: time, calls, read units, their price, and the memory of
//! `cargo run -- check`. Then the table lacks one item, and the repair is measured. Prints a table in Markdown.
//!
//!     cargo bench --workspace --bench check            a million users, on the embedded engine
//!     CHECK_USERS=10000 cargo bench --workspace --bench check

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its table"
)]

#[path = "../common/program.rs"]
mod program;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::{Caller, Exchange, Projection};
use schema::Kind;
use serde_json::{Value, json};
use service::Context;
use service::check::{CheckQuery, check};
use store::{Connection, Credentials, Directory};
use testkit::{CallMeter, call_engine, variable};
use tracing_subscriber::util::SubscriberInitExt;

/// Groups, each with different members.
const GROUPS: usize = 20;
const MEMBERS: usize = 500;
/// AWS's price of a million read units on demand in US East, in dollars.
const PRICE: f64 = 0.125;
const TABLE: &str = "check";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let meter = CallMeter::default();
    meter.subscriber().init();
    runtime.block_on(run(&meter));
}

async fn run(meter: &CallMeter) {
    let users = usize::try_from(variable("CHECK_USERS", 1_000_000)).unwrap();
    let url = testkit::engine().to_owned();
    let key = "local".to_owned();
    let connection =
        Connection { endpoint: Some(url.clone()), table: TABLE.to_owned(), credentials: Credentials::Key(key.clone()) };
    let directory = Directory::connect(connection).await.unwrap();
    directory.create_table().await.unwrap();
    let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
    let begun = Instant::now();
    let ids = directory.load(&caller, 0..users).await.unwrap();
    for (n, members) in ids.chunks(MEMBERS).take(GROUPS).enumerate() {
        create_group(&directory, &caller, n, members).await;
    }
    println!("{users} users and {GROUPS} groups of {MEMBERS}, loaded in {:.0?}\n", begun.elapsed());
    println!("| pass | findings | items | minutes | calls | read units | price, $ |\n|---|---|---|---|---|---|---|");
    measure(&directory, meter, "check", false, 0).await;
    println!("\n`cargo run -- check --all` takes {:.0} MB.", memory_of_check(&url));

    let lost = json!({"pk": {"S": "acme#userName"}, "sk": {"S": store::load::user_name(users / 2)}});
    call_engine(&url, &key, "DeleteItem", &json!({"TableName": TABLE, "Key": lost}));
    println!();
    measure(&directory, meter, "repair of one item", true, 1).await;
}

async fn create_group(directory: &Directory, caller: &Caller, n: usize, members: &[String]) {
    let exchange =
        Exchange { caller, base_url: "https://api.example", deadline: Instant::now() + Duration::from_secs(60) };
    let context = Context::new(directory, exchange);
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"displayName": format!("Group {n}"), "members": members});
    service::create(&context, Kind::Group, body.as_object().unwrap(), &Projection::default()).await.unwrap();
}

async fn measure(directory: &Directory, meter: &CallMeter, name: &str, repair: bool, expect: usize) {
    let mut query = CheckQuery { tenant: None, repair, next_token: None };
    let mut items = 0;
    let mut findings = 0;
    let mut calls = 0;
    let mut units = 0.0;
    let begun = Instant::now();
    loop {
        meter.begin();
        let answer = check(directory, &query, Instant::now() + Duration::from_secs(25)).await.unwrap();
        let usage = meter.take();
        (calls, units) = (calls + usage.calls, units + usage.read);
        items += answer.items;
        findings += answer.findings.len();
        query.next_token = answer.next_token;
        if query.next_token.is_none() {
            break;
        }
    }
    assert_eq!(findings, expect, "findings");
    println!(
        "| {name} | {findings} | {items} | {:.1} | {calls} | {units:.0} | {:.2} |",
        begun.elapsed().as_secs_f64() / 60.0,
        units * PRICE / 1e6
    );
}

/// The most memory that the command takes, in megabytes.
fn memory_of_check(url: &str) -> f64 {
    let mut command = Command::new(program::program());
    command.args(["--dynamodb-endpoint", url, "--table", TABLE, "check", "--all"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("local");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = kilobytes.and_then(|it| it.parse::<f64>().ok()).map_or(peak, |it| it / 1024.0);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "the check finds nothing");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
