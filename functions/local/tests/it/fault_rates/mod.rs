//! While DynamoDB throttles, fails, delays and loses responses, the service gives this guarantee: a request with a
//! 2xx response has taken effect, and the next read sees it; a request with an error has taken effect as a whole or
//! not at all; a repeat creates no second resource; no name has two owners; and no response is a 500 or too late
//! for API Gateway.
//!
//! `FAULT_REQUESTS` sets the number of requests at each fault rate, and `FAULT_SEED` their seed.

mod client;
mod counts;
mod memberships;
mod sender;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::{FaultProxy, engine, variable};

use self::client::{ConcurrentClient, UserIds};
use self::counts::Counts;
use crate::server::{Data, Server};
use acceptance::answer::values;
use acceptance::client::Client;
use acceptance::unique;

/// The percentages of DynamoDB calls that fail.
const RATES: [f64; 3] = [1.0, 10.0, 30.0];
const PROCESSES: u64 = 2;
const CLIENTS: usize = 5;
const GROUPS: usize = 3;

#[test]
fn acknowledged_changes_are_durable_at_every_fault_rate() {
    let requests = variable("FAULT_REQUESTS", 800);
    let seed = variable("FAULT_SEED", fastrand::u64(1..1_000_000));
    println!("fault rates: FAULT_REQUESTS={requests} FAULT_SEED={seed}");
    let each: Vec<(u64, u64)> = RATES.iter().map(|rate| check_at_rate(*rate, requests, seed)).collect();
    println!(
        "fault rates: {} requests in all, and the guarantee held",
        each.iter().map(|(requests, _)| requests).sum::<u64>()
    );
    // At one percent, a short run can be without a fault; at all rates together it cannot.
    assert!(each.iter().any(|(_, failed)| *failed > 0), "no fault was injected");
}

/// Sends requests at this fault rate, checks the guarantee, and returns the numbers of requests and of failed calls.
fn check_at_rate(rate: f64, requests: u64, seed: u64) -> (u64, u64) {
    let tenant = unique("t");
    let begun = Instant::now();
    let proxies: Vec<FaultProxy> = (0..PROCESSES).map(|n| FaultProxy::before(engine(), seed + n)).collect();
    let servers: Vec<Server> = proxies.iter().map(|proxy| Server::start(&Data::At(proxy.url()), &tenant)).collect();
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let groups: Vec<String> = (0..GROUPS).map(|n| group(&clients[0], n)).collect();
    let all_users = UserIds::default();
    let each = requests / CLIENTS as u64;
    let mut concurrent: Vec<ConcurrentClient<'_>> = (0..CLIENTS)
        .map(|n| ConcurrentClient::new(&clients, &groups, &all_users, seed * 100 + n as u64, each))
        .collect();
    proxies.iter().for_each(|proxy| proxy.fail(rate));
    thread::scope(|scope| concurrent.iter_mut().for_each(|client| drop(scope.spawn(|| client.run()))));
    proxies.iter().for_each(|proxy| proxy.fail(0.0));
    concurrent.iter_mut().for_each(ConcurrentClient::check_states);
    check(&clients[0]);
    let mut counts = Counts::default();
    concurrent.iter().for_each(|client| counts.add(client.counts()));
    let (calls, failed) = proxies.iter().map(FaultProxy::counts).fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("fault rates: {rate} percent: {failed} of {calls} calls failed; {counts}; {:.0?}", begun.elapsed());
    (counts.requests, failed)
}

fn group(scim: &Client, n: usize) -> String {
    scim.post("/Groups", &json!({ "displayName": format!("Group {n}") })).expect(201).id()
}

/// Checks that every user exists once and is found by its name, and that members and groups agree.
fn check(scim: &Client) {
    let users = everything(scim, "/Users");
    let groups = everything(scim, "/Groups");
    let mut owners = BTreeSet::new();
    let mut tags = BTreeSet::new();
    let mut groups_of_users = BTreeSet::new();
    let mut members_of_groups = BTreeSet::new();
    for user in &users {
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        assert!(owners.insert(text("userName")), "two users are called {}", user["userName"]);
        assert!(tags.insert(text("externalId")), "this user was created twice: {user}");
        groups_of_users.extend(values(&user["groups"]).into_iter().map(|group| (group, text("id"))));
        let found = scim.find("/Users", &format!("userName eq {}", user["userName"]));
        assert_eq!(found, std::slice::from_ref(user));
    }
    for group in &groups {
        let id = group["id"].as_str().unwrap();
        members_of_groups.extend(values(&group["members"]).into_iter().map(|member| (id.to_owned(), member)));
    }
    assert_eq!(groups_of_users, members_of_groups, "groups and members do not agree");
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
