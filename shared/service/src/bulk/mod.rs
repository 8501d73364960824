//! Bulk operations (RFC 7644 §3.7): each is carried out, and commits, as a request by itself would be; those that cannot
//! see each other at the same time, the others in their order.

mod cycle;
mod perform;

use std::collections::{BTreeMap, HashMap};

use protocol::bulk::{Batch, Bulk, Call, Done, ExecutionStep, Method, Operation, Outcome, Reference, order, response};
use protocol::{Error, Reply};
use schema::{Kind, Object, ResourceId, resource_type};

use crate::Context;
use crate::error::to_client_error;
use crate::keys::new_id;
use perform::Time;

/// So many operations are chosen at once to be under way together.
const BATCH: usize = 100;

/// Carries out a bulk request. What was not begun some seconds before the answer has to be ready is reported as not done.
///
/// # Errors
/// What [`Bulk::parse`] refuses. That operations fail is no error of the request.
pub async fn bulk(context: &Context<'_>, body: &Object) -> Result<Reply, Error> {
    let bulk = Bulk::parse(body, &context.exchange.caller.dialect)?;
    let mut job = Job::new(context, &bulk, Time::new(context.exchange.deadline));
    job.run(&order(&bulk)).await;
    Ok(job.reply())
}

/// A bulk request under way.
struct Job<'a> {
    context: &'a Context<'a>,
    operations: &'a [Operation],
    /// Which operation creates what a bulkId stands for.
    definitions: HashMap<&'a str, usize>,
    time: Time,
    fail_on_errors: usize,
    /// The ids that bulkIds stand for, once they are created and until they are deleted.
    ids: HashMap<&'a str, String>,
    outcomes: BTreeMap<usize, Outcome>,
    errors: usize,
}

/// An operation by its place in the request, and what is to be done for it.
type Prepared = (usize, Result<Call, Error>);

impl<'a> Job<'a> {
    fn new(context: &'a Context<'a>, bulk: &'a Bulk, time: Time) -> Self {
        Job {
            context,
            operations: &bulk.operations,
            definitions: bulk.definitions(),
            time,
            fail_on_errors: bulk.fail_on_errors.unwrap_or(usize::MAX),
            ids: HashMap::new(),
            outcomes: BTreeMap::new(),
            errors: 0,
        }
    }

    /// RFC 7644 §3.7: "MUST continue performing as many changes as possible", unless failOnErrors says otherwise.
    async fn run(&mut self, steps: &[ExecutionStep]) {
        let mut left = steps;
        while let Some(first) = left.first().filter(|_| self.errors < self.fail_on_errors) {
            let taken = match first {
                ExecutionStep::Cycle(cycle) => {
                    self.cycle(cycle).await;
                    1
                }
                ExecutionStep::One(_) => self.batch(left).await,
            };
            left = left.get(taken..).unwrap_or_default();
        }
    }

    /// Carries out the first of these steps, and those after it that do not have to wait for it. How many that were.
    ///
    /// As many as may still fail before the request ends: one after the other, no fewer would be carried out.
    async fn batch(&mut self, steps: &[ExecutionStep]) -> usize {
        let mut prepared = self.choose(steps.iter().take(BATCH.min(self.fail_on_errors - self.errors)));
        self.leave_renames(&mut prepared).await;
        let taken = prepared.len();
        for (at, id, result) in self.perform(prepared, self.time).await {
            self.record(at, id, result);
        }
        taken
    }

    fn choose<'s>(&self, steps: impl Iterator<Item = &'s ExecutionStep>) -> Vec<Prepared> {
        let (mut chosen, mut batch) = (Vec::new(), Batch::default());
        for step in steps {
            let ExecutionStep::One(at) = step else { break };
            let waits = |reference: &Reference| self.is_under_way(reference) && !chosen.is_empty();
            let Some(operation) = self.operations.get(*at).filter(|it| !it.references.iter().any(waits)) else { break };
            let call = self.prepare(operation);
            if call.as_ref().is_ok_and(|call| !batch.try_add(call, None)) {
                break;
            }
            chosen.push((*at, call));
        }
        chosen
    }

    /// Lets go of the first PUT, and all after it, that takes a name which an operation before it gives up, or gives up one
    /// that an operation before it takes.
    async fn leave_renames(&self, prepared: &mut Vec<Prepared>) {
        if prepared.len() < 2 {
            return;
        }
        let mut names: HashMap<ResourceId, String> = HashMap::new();
        for kind in Kind::ALL {
            match self.names(kind, prepared).await {
                Ok(found) => names.extend(found),
                Err(_) => return prepared.truncate(1),
            }
        }
        let mut batch = Batch::default();
        let name = |call: &Call| ResourceId::parse(&call.id).and_then(|id| names.get(&id)).map(String::as_str);
        let fits = |call: &Result<Call, Error>| {
            call.as_ref().is_err() || call.as_ref().is_ok_and(|it| batch.try_add(it, name(it)))
        };
        let fitting = prepared.iter().map(|(_, call)| call).map(fits).take_while(|fits| *fits).count();
        prepared.truncate(fitting);
    }

    /// The names that the resources have which are to be replaced.
    async fn names(&self, kind: Kind, prepared: &[Prepared]) -> Result<Vec<(ResourceId, String)>, Error> {
        let calls = prepared.iter().filter_map(|(_, call)| call.as_ref().ok());
        let replaced = calls.filter(|call| call.verb == Method::Replace && call.kind == kind);
        let ids: Vec<ResourceId> = replaced.filter_map(|call| ResourceId::parse(&call.id)).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found =
            self.context.directory.get_many(self.context.tenant(), kind, &ids).await.map_err(to_client_error)?;
        let naming = resource_type(kind).naming_attribute();
        let name = |stored: &store::Stored| Some(stored.resource.get(naming)?.as_str()?.to_owned());
        Ok(found.iter().filter_map(|stored| Some((stored.id.clone(), name(stored)?))).collect())
    }

    /// What it refers to will be created, but is not yet.
    fn is_under_way(&self, reference: &Reference) -> bool {
        let definition = self.definitions.get(reference.bulk_id.as_str());
        definition.is_some_and(|at| !self.outcomes.contains_key(at))
    }

    /// An operation with ids in the place of references (RFC 7644 §3.7.2), and a new one where it creates.
    fn prepare(&self, operation: &Operation) -> Result<Call, Error> {
        let call = operation.call.as_ref().map_err(Clone::clone)?;
        for Reference { bulk_id, place } in &operation.references {
            if self.ids.contains_key(bulk_id.as_str()) {
                continue;
            }
            return Err(Error::Conflict(match self.definitions.contains_key(bulk_id.as_str()) {
                true => {
                    format!("{place} refers to a resource of this request that was not created, or was deleted since.")
                }
                false => format!("{place} refers to a bulkId that no POST of this request has."),
            }));
        }
        let call = call.resolved(|bulk_id| self.ids.get(bulk_id).map(String::as_str));
        Ok(if call.verb == Method::Create { Call { id: new_id()?.to_string(), ..call } } else { call })
    }

    fn record(&mut self, at: usize, id: Option<String>, result: Result<Done, Error>) {
        let operation = self.operations.get(at);
        let verb = operation.and_then(|operation| Some(operation.call.as_ref().ok()?.verb));
        match (&result, verb, &id) {
            (Ok(_), Some(Method::Create), Some(id)) => {
                let bulk_id = operation.and_then(|operation| operation.bulk_id.as_deref());
                self.ids.extend(bulk_id.map(|bulk_id| (bulk_id, id.clone())));
            }
            (Ok(_), Some(Method::Delete), Some(id)) => self.ids.retain(|_, known| known != id),
            (Ok(_), ..) => {}
            (Err(_), ..) => self.errors += 1,
        }
        self.outcomes.insert(at, Outcome { id, result });
    }

    /// Those that were processed (RFC 7644 §3.7.3), in the order of the request.
    fn reply(&self) -> Reply {
        let report = |(at, outcome): (&usize, &Outcome)| {
            let operation: &Operation = self.operations.get(*at)?;
            Some(operation.report(self.context.exchange.base_url, outcome))
        };
        let body = response(self.outcomes.iter().filter_map(report).collect());
        let done = self.outcomes.values().filter_map(|outcome| outcome.result.as_ref().ok());
        let changed = done.flat_map(|done| done.changed.iter().cloned()).collect();
        Reply { status: 200, body: Some(body), changed, ..Reply::default() }
    }
}
