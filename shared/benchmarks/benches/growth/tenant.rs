//! A tenant that grows, and the time of an operation in it.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use protocol::Caller;
use schema::ResourceId;
use serde_json::Value;
use store::{Directory, SettleState};
use testkit::variable;

use crate::operation::UserOperation;
use gateway::functions;

/// Concurrent requests while throughput is measured.
pub(crate) const MAX_CONCURRENT: usize = 8;

pub(crate) struct GrowingTenant {
    pub(crate) name: &'static str,
    pub(crate) directory: &'static Directory,
    pub(crate) ids: Vec<String>,
    /// Users that the benchmark has created and has to delete again.
    made: Vec<String>,
}

/// The figures of one operation.
pub(crate) struct Latencies {
    /// The milliseconds of each request, sorted.
    times: Vec<f64>,
    /// Responses per second with 8 concurrent requests.
    pub(crate) per_second: f64,
}

impl Latencies {
    pub(crate) fn new(mut times: Vec<f64>, per_second: f64) -> Self {
        times.sort_by(f64::total_cmp);
        Self { times, per_second }
    }

    pub(crate) fn at(&self, percent: usize) -> f64 {
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)]
    }
}

impl GrowingTenant {
    pub(crate) fn new(name: &'static str, directory: &'static Directory) -> Self {
        Self { name, directory, ids: Vec::new(), made: Vec::new() }
    }

    /// Loads users up to this number.
    pub(crate) async fn grow(&mut self, users: usize) {
        self.ids.extend(self.directory.load(&self.caller(), self.ids.len()..users).await.unwrap());
    }

    /// Completes the pending change of a group.
    pub(crate) async fn settle(&self, group: &str) {
        let caller = self.caller();
        let id = ResourceId::parse(group).unwrap();
        let until = Instant::now() + Duration::from_secs(600);
        assert_eq!(self.directory.settle(&caller.tenant, &id, until).await.unwrap(), SettleState::Done);
    }

    fn caller(&self) -> Caller {
        Caller::from_context(self.name, "token", "read write", None).unwrap()
    }

    pub(crate) async fn measure(&mut self, operation: UserOperation) -> Latencies {
        let rounds = variable("GROWTH_ROUNDS", 200) as usize;
        let mut times = Vec::new();
        for event in self.events(operation, rounds) {
            let begun = Instant::now();
            let id = self.ask(operation, event).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            self.made.extend(id);
        }
        let events = self.events(operation, rounds);
        let begun = Instant::now();
        let asked = events.into_iter().map(|event| self.ask(operation, event)).collect::<Vec<_>>();
        let ids: Vec<_> = stream::iter(asked).buffer_unordered(MAX_CONCURRENT).collect().await;
        let per_second = rounds as f64 / begun.elapsed().as_secs_f64();
        self.made.extend(ids.into_iter().flatten());
        Latencies::new(times, per_second)
    }

    fn events(&mut self, operation: UserOperation, count: usize) -> Vec<Value> {
        let event = |_| {
            let number = fastrand::usize(..self.ids.len());
            let id = if operation == UserOperation::Delete { self.made.pop() } else { None };
            operation.event(self.name, number, id.as_ref().unwrap_or(&self.ids[number]), fastrand::u64(..))
        };
        (0..count).map(event).collect()
    }

    /// Returns the id of a created resource.
    async fn ask(&self, operation: UserOperation, event: Value) -> Option<String> {
        let answer = functions::invoke(operation.function(), self.directory, event).unwrap().await.unwrap();
        assert_eq!(answer["statusCode"], operation.status(), "{operation:?}: {answer}");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        let found = body["Resources"].as_array().map_or(0, Vec::len);
        match operation {
            UserOperation::Find | UserOperation::FindByEmail => assert_eq!(found, 1, "{body}"),
            UserOperation::FirstPage | UserOperation::CursorPage => assert_eq!(found, 100),
            _ => {}
        }
        (operation == UserOperation::Create).then(|| body["id"].as_str().unwrap().to_owned())
    }
}
