//! The cost of changing and reading a group, by its size: DynamoDB calls, how many of them follow one another,
//! capacity units and milliseconds. Responses to changes have no members. Prints a table in Markdown.
//!
//!     cargo bench -p benchmarks --bench groups    on the embedded engine
//!     DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo bench -p benchmarks --bench groups
//!     GROUP_SIZES=10,1000 cargo bench -p benchmarks --bench groups

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its table"
)]

use std::time::{Duration, Instant};

use protocol::limits::{MEMBER_CHANGES, RESPONSE_SECONDS};
use protocol::{Caller, Exchange, Parameters, Precondition, Projection, Query, Reply};
use schema::{Dialect, Kind, Object, ResourceId};
use serde_json::{Value, json};
use service::Context;
use store::{Connection, Credentials, Directory, SettleState};
use testkit::{CallCost, CallMeter};
use tracing_subscriber::util::SubscriberInitExt;

/// The size of a large addition.
const MANY: usize = 1000;
/// A list that replaces all members changes one in this many.
const CHANGED: usize = 10;

struct GroupBenchmark {
    meter: CallMeter,
    directory: Directory,
    caller: Caller,
    users: Vec<String>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let url = testkit::engine();
    let sizes = std::env::var("GROUP_SIZES").unwrap_or_else(|_| "10,1000,10000,100000".to_owned());
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().expect("GROUP_SIZES are numbers")).collect();
    let meter = CallMeter::default();
    meter.subscriber().init();
    runtime.block_on(async {
        let largest = sizes.iter().max().copied().unwrap_or_default();
        let bench = GroupBenchmark::new(meter, url, largest + largest / CHANGED + 2 * MANY).await;
        println!("| members | operation | sequential calls | calls | units | response, ms | complete, ms |");
        println!("|---|---|---|---|---|---|---|");
        for size in sizes {
            bench.of_size(size).await;
        }
    });
}

impl GroupBenchmark {
    async fn new(meter: CallMeter, url: &str, users: usize) -> Self {
        let begun = Instant::now();
        let connection = Connection {
            endpoint: Some(url.to_owned()),
            table: format!("groups-{:016x}", fastrand::u64(..)),
            credentials: Credentials::Key("local".to_owned()),
        };
        let directory = Directory::connect(connection).await.unwrap();
        directory.create_table().await.unwrap();
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        let users = directory.load(&caller, 0..users).await.unwrap();
        println!("{} users, loaded in {:.0?}\n", users.len(), begun.elapsed());
        Self { meter, directory, caller, users }
    }

    async fn of_size(&self, size: usize) {
        let (members, others) = self.users.split_at(size);
        let id = self.create_group(members).await;
        for (what, change) in [
            ("add 1", add(&others[..1])),
            ("remove 1", remove(&others[..1])),
            ("add 100", add(&others[..100])),
            ("remove 100", remove(&others[..100])),
            ("add 1,000", add(&others[..MANY])),
            ("remove 1,000", remove(&others[..MANY])),
        ] {
            self.patch_row(size, what, &id, change).await;
        }
        if size <= MEMBER_CHANGES {
            let changed = size / CHANGED;
            self.replace_row(size, &id, &[&members[changed..], &others[..changed]].concat()).await;
        }
        self.reads(size, &id).await;
    }

    /// Creates a group with these members, in as many requests as they need, and returns its id.
    async fn create_group(&self, members: &[String]) -> String {
        let size = members.len();
        let (first, more) = members.split_at(size.min(MEMBER_CHANGES));
        let body = json!({"displayName": format!("Group of {size}"), "members": listed(first)});
        let mut id = String::new();
        let create = async {
            id = self.create(Kind::Group, body).await;
            ResourceId::parse(&id)
        };
        self.row(size, &format!("create with {}", first.len()), create).await;
        for more in more.chunks(MEMBER_CHANGES) {
            self.patch_row(size, &format!("add {}", more.len()), &id, add(more)).await;
        }
        id
    }

    async fn patch_row(&self, size: usize, what: &str, id: &str, operations: Value) {
        let patch = async {
            self.patch(id, operations).await;
            ResourceId::parse(id)
        };
        self.row(size, what, patch).await;
    }

    /// Replaces all members.
    async fn replace_row(&self, size: usize, id: &str, members: &[String]) {
        let body = object(json!({"displayName": format!("Group of {size}"), "members": listed(members)}));
        let replace = async {
            self.replace(id, &body).await;
            ResourceId::parse(id)
        };
        self.row(size, "replace all members, 1 in 10 is new", replace).await;
    }

    /// Reads the group, and deletes it.
    async fn reads(&self, size: usize, id: &str) {
        let resource = ResourceId::parse(id);
        for (what, projection) in [("get", Projection::default()), ("get without members", without_members())] {
            let get = async {
                self.get(id, &projection).await;
                None
            };
            self.row(size, what, get).await;
        }
        let list = async {
            self.list().await;
            None
        };
        self.row(size, "list, with members", list).await;
        let delete = async {
            self.delete(id).await;
            resource.clone()
        };
        self.row(size, "delete", delete).await;
    }

    /// Measures the work, and then the completion of the pending change of the resource that it returns.
    async fn row(&self, size: usize, what: &str, work: impl Future<Output = Option<ResourceId>>) {
        self.meter.begin();
        let mut apart = 0;
        let begun = Instant::now();
        let settles = work.await;
        let answered = begun.elapsed();
        if let Some(id) = settles {
            let until = Instant::now() + Duration::from_secs(3600);
            // Without a pending change, there is nothing to complete.
            if self.directory.pending_changes(&self.caller.tenant).await.unwrap() != store::PendingChanges::default() {
                let settled = self.directory.settle(&self.caller.tenant, &id, until).await.unwrap();
                assert_eq!(settled, SettleState::Done);
            } else {
                apart = 1;
            }
        }
        let settled = begun.elapsed();
        let CallCost { calls, depth, read, write } = self.meter.take_but_last(apart);
        let units = read + write;
        let answered = answered.as_secs_f64() * 1000.0;
        let settled = settled.as_secs_f64() * 1000.0;
        println!("| {size} | {what} | {depth} | {calls} | {units} | {answered:.1} | {settled:.1} |");
    }

    fn context(&self) -> Context<'_> {
        Context::new(
            &self.directory,
            Exchange {
                caller: &self.caller,
                base_url: "https://api.example/scim/v2",
                // As on AWS, so that a change which takes longer fails.
                deadline: Instant::now() + Duration::from_secs(RESPONSE_SECONDS),
            },
        )
    }

    async fn create(&self, kind: Kind, body: Value) -> String {
        let reply = service::create(&self.context(), kind, &object(body), &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn patch(&self, id: &str, operations: Value) -> Reply {
        let body = object(json!({"Operations": operations}));
        let none = Precondition::new(None, None);
        service::patch(&self.context(), Kind::Group, id, &body, &without_members(), &none).await.unwrap()
    }

    async fn replace(&self, id: &str, body: &Object) -> Reply {
        let none = Precondition::new(None, None);
        service::replace(&self.context(), Kind::Group, id, body, &without_members(), &none).await.unwrap()
    }

    async fn get(&self, id: &str, projection: &Projection) -> Reply {
        let none = Precondition::new(None, None);
        service::get(&self.context(), Kind::Group, id, projection, &none).await.unwrap()
    }

    async fn list(&self) {
        let query = Query::parse(&[Kind::Group], Parameters::default(), &Dialect::lenient()).unwrap();
        service::list(&self.context(), &query).await.unwrap();
    }

    async fn delete(&self, id: &str) {
        service::delete(&self.context(), Kind::Group, id, &Precondition::new(None, None)).await.unwrap();
    }
}

/// A projection without members, so that the cost of a change does not include that of returning all members.
fn without_members() -> Projection {
    Projection::parse(None, Some("members"), &Dialect::lenient()).unwrap()
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { unreachable!("an object") };
    object
}

fn add(ids: &[String]) -> Value {
    json!([{"op": "add", "path": "members", "value": listed(ids)}])
}

fn remove(ids: &[String]) -> Value {
    json!([{"op": "remove", "path": "members", "value": listed(ids)}])
}

fn listed(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}
