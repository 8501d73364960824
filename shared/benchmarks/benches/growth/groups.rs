//! The time of changing and reading a group, by its number of members.

use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use testkit::variable;

use crate::tenant::{GrowingTenant, Latencies, MAX_CONCURRENT};
use gateway::functions;

/// Responses with more members than this are requested only a few times.
const MANY: usize = 1000;
const FEW_ROUNDS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupOperation {
    Add,
    Remove,
    GetBare,
    Get,
}

impl GroupOperation {
    const ALL: [Self; 4] = [Self::Add, Self::Remove, Self::GetBare, Self::Get];

    fn name(self) -> &'static str {
        match self {
            Self::Add => "add a member",
            Self::Remove => "remove a member",
            Self::GetBare => "GET without members",
            Self::Get => "GET",
        }
    }

    fn changes(self) -> bool {
        matches!(self, Self::Add | Self::Remove)
    }

    fn event(self, tenant: &GrowingTenant, group: &str, user: &str) -> Value {
        let operations = match self {
            Self::Add => json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]),
            Self::Remove => json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }]),
            Self::GetBare | Self::Get => Value::Null,
        };
        let query = if self == Self::Get { Value::Null } else { json!({ "excludedAttributes": ["members"] }) };
        let body = self.changes().then(|| json!({ "Operations": operations }));
        event(tenant, if self.changes() { "PATCH" } else { "GET" }, Some(group), query, body)
    }
}

fn event(tenant: &GrowingTenant, method: &str, id: Option<&str>, query: Value, body: Option<Value>) -> Value {
    let mut event = testkit::event(tenant.name, method, "Groups", id, query, body);
    // Okta sends this header, and only a compressed response has room for 100,000 members.
    event["multiValueHeaders"]["Accept-Encoding"] = json!(["gzip"]);
    event
}

/// Prints a table of groups of these sizes. Their members are users of the tenant, which has more of them.
pub(crate) async fn measure(tenant: &GrowingTenant, sizes: &[usize]) {
    println!("\n| members | operation | p50, p99 ms | requests per second |\n|---|---|---|---|");
    for size in sizes.iter().copied().filter(|size| *size < tenant.ids.len()) {
        let (members, others) = tenant.ids.split_at(size);
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "displayName": format!("Group of {size}"), "members": members });
        let query = json!({ "excludedAttributes": ["members"] });
        let created = ask(tenant, "GroupsCreate", event(tenant, "POST", None, query, Some(body)), 201).await;
        let (_, id) = created["multiValueHeaders"]["location"][0].as_str().unwrap().rsplit_once('/').unwrap();
        tenant.settle(id).await;
        for operation in GroupOperation::ALL {
            let rounds = if operation == GroupOperation::Get && size > MANY {
                FEW_ROUNDS
            } else {
                variable("GROWTH_ROUNDS", 200) as usize
            };
            // An added member is removed afterwards.
            let rounds = rounds.min(others.len());
            let taken = rounds_of(tenant, operation, id, &others[..rounds]).await;
            let per_second =
                if operation.changes() { "only sequential".to_owned() } else { format!("{:.0}", taken.per_second) };
            println!("| {size} | {} | {:.2}, {:.2} | {per_second} |", operation.name(), taken.at(50), taken.at(99));
        }
    }
}

/// Changes of one group are sequential, because concurrent ones would only wait for each other.
async fn rounds_of(tenant: &GrowingTenant, operation: GroupOperation, group: &str, users: &[String]) -> Latencies {
    let function = if operation.changes() { "GroupsPatch" } else { "GroupsGet" };
    let mut times = Vec::new();
    for user in users {
        let event = operation.event(tenant, group, user);
        let begun = Instant::now();
        ask(tenant, function, event, 200).await;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let begun = Instant::now();
    if !operation.changes() {
        let asked = users.iter().map(|user| ask(tenant, function, operation.event(tenant, group, user), 200));
        stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT).count().await;
    }
    Latencies::new(times, users.len() as f64 / begun.elapsed().as_secs_f64())
}

async fn ask(tenant: &GrowingTenant, function: &str, event: Value, status: u64) -> Value {
    let answer = functions::invoke(function, tenant.directory, event).unwrap().await.unwrap();
    assert_eq!(answer["statusCode"], status, "{function}: {answer}");
    answer
}
