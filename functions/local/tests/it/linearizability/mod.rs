//! Several processes create, rename, delete and find users by a few names at once, also while DynamoDB fails. Their
//! responses must have a serial order; otherwise a name had two owners, or a search missed the owner of a name. If
//! DynamoDB shows transactions item by item (`SCIM_AWS`), that holds for writes, and each other response has to fit a
//! state that it could see.
//!
//! `HISTORIES` sets the number of histories at each fault rate, and `HISTORIES_SEED` their seed.

mod checker;

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use serde_json::json;
use testkit::{FaultProxy, engine, variable};

use crate::linearizability::checker::{Operation, OperationInput, OperationOutput};
use crate::server::{Data, Server};
use acceptance::client::{Client, PATCH};
use acceptance::request::{Request, encode};
use acceptance::unique;

const PROCESSES: u64 = 3;
const THREADS: u32 = 5;
const EACH: u32 = 8;
const NAMES: u8 = 3;
/// The percentages of DynamoDB calls that fail.
const RATES: [f64; 3] = [0.0, 10.0, 30.0];

#[test]
fn concurrent_operations_on_names_are_linearizable() {
    let histories = variable("HISTORIES", 20);
    let seed = variable("HISTORIES_SEED", fastrand::u64(1..1_000_000));
    println!("histories: HISTORIES={histories} HISTORIES_SEED={seed}");
    let tenant = unique("t");
    let begun = Instant::now();
    let proxies: Vec<FaultProxy> = (0..PROCESSES).map(|n| FaultProxy::before(engine(), seed + n)).collect();
    let servers: Vec<Server> = proxies.iter().map(|proxy| Server::start(&Data::At(proxy.url()), &tenant)).collect();
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let (mut operations, mut open) = (0, 0);
    for rate in RATES {
        proxies.iter().for_each(|proxy| proxy.fail(rate));
        for n in 0..histories {
            let history = history(&clients, seed * 1000 + n);
            let has_order = if is_torn() { checker::exists_for_writes } else { checker::exists };
            assert!(has_order(&history), "{rate} percent: no serial order of {history:#?}");
            operations += history.len();
            open += history.iter().filter(|it| it.output == OperationOutput::Open).count();
        }
    }
    let failed: u64 = proxies.iter().map(|proxy| proxy.counts().1).sum();
    let all = histories * RATES.len() as u64;
    println!(
        "histories: {all} of {operations} operations, {open} without a known outcome, {failed} calls failed, each with \
         a serial order; {:.0?}",
        begun.elapsed()
    );
    assert!(failed > 0, "no fault was injected");
}

/// Whether DynamoDB shows the items of a transaction one after the other, so that only writes have a serial order.
fn is_torn() -> bool {
    std::env::var("SCIM_AWS").unwrap_or_default().split(',').any(|name| matches!(name, "all" | "torn-transactions"))
}

/// The numbers and the ids of the users that this history has created.
type CreatedUsers = Mutex<Vec<(u32, String)>>;

/// The operations of all threads with their responses. No other history uses the names and users of this one.
fn history(clients: &[Client], seed: u64) -> Vec<Operation> {
    let tag = unique("");
    let created = CreatedUsers::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let tag = &tag;
                let created = &created;
                let random = Rng::with_seed(seed * 10 + u64::from(thread));
                scope.spawn(move || ClientThread { clients, tag, created, random }.run(thread))
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

struct ClientThread<'a> {
    clients: &'a [Client],
    tag: &'a str,
    created: &'a CreatedUsers,
    random: Rng,
}

impl ClientThread<'_> {
    fn run(mut self, thread: u32) -> Vec<Operation> {
        (0..EACH).filter_map(|n| self.one(thread * EACH + n)).collect()
    }

    /// Draws an operation and carries it out; `None` if it was deferred and has certainly had no effect.
    fn one(&mut self, number: u32) -> Option<Operation> {
        let name = self.random.u8(0..NAMES);
        let someone = self.random.choice(self.created.lock().unwrap().iter()).cloned();
        let (input, request) = match (self.random.u8(0..10), someone) {
            (0..4, _) | (_, None) => (OperationInput::Create { user: number, name }, self.create(number, name)),
            (4..6, Some((user, id))) => (OperationInput::Rename { user, name }, self.rename(&id, name)),
            (6, Some((user, id))) => (OperationInput::Delete { user }, Request::new("DELETE", format!("/Users/{id}"))),
            _ => (OperationInput::Find { name }, self.find(name)),
        };
        let client = self.random.choice(self.clients).expect("a server");
        let begun = Instant::now();
        let answer = client.send(&request);
        let ended = Instant::now();
        let found = |position: usize| -> Option<u32> {
            let found = answer.resources();
            answer.check(found.len() <= 1, "a name has at most one owner");
            found
                .get(position)
                .map(|user| user["externalId"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap())
        };
        let output = match (answer.status, &input) {
            (429, _) | (503, OperationInput::Find { .. }) => return None,
            (503, _) => OperationOutput::Open,
            (200, OperationInput::Find { .. }) => OperationOutput::Found(found(0)),
            (200 | 201 | 204, _) => OperationOutput::Done,
            (409, _) => OperationOutput::Taken,
            (404, _) => OperationOutput::Gone,
            _ => panic!("no fault explains this status\n{}", answer),
        };
        if answer.status == 201 {
            self.created.lock().unwrap().push((number, answer.id()));
        }
        Some(Operation { input, output, begun, ended })
    }

    fn name(&self, name: u8) -> String {
        format!("{}-{name}", self.tag)
    }

    fn create(&self, number: u32, name: u8) -> Request {
        let body = json!({ "userName": self.name(name), "externalId": format!("{}-{number}", self.tag) });
        Request::new("POST", "/Users").json(&body)
    }

    fn rename(&self, id: &str, name: u8) -> Request {
        let mut operations = vec![json!({ "op": "replace", "path": "userName", "value": self.name(name) })];
        if is_torn() {
            // A rename to the same name would write nothing, and its response would be that of a read.
            operations.push(json!({ "op": "replace", "path": "title", "value": unique("") }));
        }
        Request::new("PATCH", format!("/Users/{id}")).json(&json!({ "schemas": [PATCH], "Operations": operations }))
    }

    fn find(&self, name: u8) -> Request {
        let filter = encode(&format!("userName eq \"{}\"", self.name(name)));
        Request::new("GET", format!("/Users?filter={filter}"))
    }
}
