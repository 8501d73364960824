//! While DynamoDB throttles, fails, delays and loses responses, the service gives this guarantee: a request with a
//! 2xx response has taken effect, and the next read sees it; a request with an error has taken effect as a whole or
//! not at all; a repeat creates no second resource; no name has two owners; and no response is a 500 or too late
//! for API Gateway.
//!
//! `PROMISE_REQUESTS` sets the number of requests at each fault rate, and `PROMISE_SEED` their seed.

mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::{FaultProxy, engine, variable};

use crate::fault_rates::client::{Names, Party};
use crate::server::{Data, Server};
use acceptance::answer::values;
use acceptance::client::Client;
use acceptance::unique;

/// The percentages of DynamoDB calls that fail.
const RATES: [f64; 3] = [1.0, 10.0, 30.0];
const PROCESSES: u64 = 2;
const PARTIES: usize = 5;
const GROUPS: usize = 3;

/// How many requests got which kind of response.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) deferred: u64,
    pub(crate) unknown: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.done += other.done;
        self.refused += other.refused;
        self.deferred += other.deferred;
        self.unknown += other.unknown;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { requests, done, refused, deferred, unknown } = self;
        write!(f, "{requests} requests: {done} done, {refused} refused, {deferred} deferred by 429, {unknown} by 503")
    }
}

/// The outcome of a request that was deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsure {
    /// The request has had no effect.
    Not,
    /// The request may have had its effect.
    Open,
}

#[test]
fn acknowledged_changes_are_durable_at_every_fault_rate() {
    let requests = variable("PROMISE_REQUESTS", 800);
    let seed = variable("PROMISE_SEED", fastrand::u64(1..1_000_000));
    println!("promise: PROMISE_REQUESTS={requests} PROMISE_SEED={seed}");
    let each: Vec<(u64, u64)> = RATES.iter().map(|rate| check_promise(*rate, requests, seed)).collect();
    println!("promise: {} requests in all, kept", each.iter().map(|(requests, _)| requests).sum::<u64>());
    // At one percent, a short run can be without a fault; at all rates together it cannot.
    assert!(each.iter().any(|(_, failed)| *failed > 0), "no fault was injected");
}

/// Sends requests at this fault rate, checks the promise, and returns the numbers of requests and of failed calls.
fn check_promise(rate: f64, requests: u64, seed: u64) -> (u64, u64) {
    let (tenant, begun) = (unique("t"), Instant::now());
    let proxies: Vec<FaultProxy> = (0..PROCESSES).map(|n| FaultProxy::before(engine(), seed + n)).collect();
    let servers: Vec<Server> = proxies.iter().map(|proxy| Server::start(&Data::At(proxy.url()), &tenant)).collect();
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let groups: Vec<String> = (0..GROUPS).map(|n| group(&clients[0], n)).collect();
    let names = Names::default();
    let mut parties: Vec<Party<'_>> = (0..PARTIES)
        .map(|n| Party::new(&clients, &groups, &names, seed * 100 + n as u64, requests / PARTIES as u64))
        .collect();
    proxies.iter().for_each(|proxy| proxy.fail(rate));
    thread::scope(|scope| parties.iter_mut().for_each(|party| drop(scope.spawn(|| party.run()))));
    proxies.iter().for_each(|proxy| proxy.fail(0.0));
    parties.iter_mut().for_each(Party::settle);
    check(&clients[0]);
    let mut counts = Counts::default();
    parties.iter().for_each(|party| counts.add(&party.counts));
    let (calls, failed) = proxies.iter().map(FaultProxy::counts).fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("promise: {rate} percent: {failed} of {calls} calls failed; {counts}; {:.0?}", begun.elapsed());
    (counts.requests, failed)
}

fn group(scim: &Client, n: usize) -> String {
    scim.post("/Groups", &json!({ "displayName": format!("Group {n}") })).expect(201).id()
}

/// Checks that every user exists once and is found by its name, and that members and groups agree.
fn check(scim: &Client) {
    let (users, groups) = (everything(scim, "/Users"), everything(scim, "/Groups"));
    let (mut owners, mut tags) = (BTreeSet::new(), BTreeSet::new());
    let (mut up, mut down) = (BTreeSet::new(), BTreeSet::new());
    for user in &users {
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        assert!(owners.insert(text("userName")), "two users are called {}", user["userName"]);
        assert!(tags.insert(text("externalId")), "this user was created twice: {user}");
        up.extend(values(&user["groups"]).into_iter().map(|group| (group, text("id"))));
        let found = scim.find("/Users", &format!("userName eq {}", user["userName"]));
        assert_eq!(found, std::slice::from_ref(user));
    }
    for group in &groups {
        let id = group["id"].as_str().unwrap();
        down.extend(values(&group["members"]).into_iter().map(|member| (id.to_owned(), member)));
    }
    assert_eq!(up, down, "groups and members do not agree");
    assert_eq!(scim.get("/Users?count=0").expect(200).total(), users.len() as u64);
}

fn everything(scim: &Client, endpoint: &str) -> Vec<Value> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for from in (1..).step_by(200) {
        let page = scim.get(format!("{endpoint}?startIndex={from}&count=200")).expect(200);
        all.extend(page.resources().iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one.clone())));
        if page.resources().len() < 200 {
            break;
        }
    }
    all.into_values().collect()
}
