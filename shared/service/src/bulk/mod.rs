//! Bulk operations (RFC 7644 §3.7): each one is performed, and commits, like a request by itself. Operations that
//! do not affect each other are performed at the same time, the others in their order.

mod cycle;
mod perform;

use std::collections::{BTreeMap, HashMap};

use protocol::bulk::{Batch, Bulk, Call, ExecutionStep, Method, Operation, Outcome, Reference, order, response};
use protocol::{Error, Reply, Work};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;

use crate::Context;
use crate::error::to_client_error;
use crate::keys::new_id;
use perform::{Deadlines, Performed};

/// The most operations in a batch that is performed at the same time.
const MAX_BATCH: usize = 100;

/// The number of resources that are read at a time for their names, because each may have 400 KB.
const NAMES_PER_READ: usize = 25;

/// Performs a bulk request. Operations that have not started some seconds before the response deadline are reported
/// as not carried out.
///
/// # Errors
/// The errors of [`Bulk::parse`]. A failed operation is not an error of the request.
pub async fn bulk(context: &Context<'_>, body: &Object) -> Result<Reply, Error> {
    let bulk = Bulk::parse(body, &context.exchange.caller.dialect)?;
    let work = Work::of_bulk();
    let context = Context { bulk: Some(&work), ..*context };
    let mut job = Job::new(&context, &bulk, Deadlines::new(context.exchange.deadline));
    job.run(&order(&bulk)).await;
    Ok(job.reply())
}

/// A bulk request under way.
struct Job<'a> {
    context: &'a Context<'a>,
    operations: &'a [Operation],
    /// The position of the operation that creates the resource of a bulkId.
    definitions: HashMap<&'a str, usize>,
    deadlines: Deadlines,
    fail_on_errors: usize,
    /// The ids of the resources that bulkIds stand for, from their creation to their deletion.
    ids: HashMap<&'a str, String>,
    outcomes: BTreeMap<usize, Outcome>,
    errors: usize,
}

/// An operation that is ready to be performed, or the error for which it is not.
struct Prepared {
    /// The position of the operation in the request.
    index: usize,
    call: Result<Call, Error>,
}

impl<'a> Job<'a> {
    fn new(context: &'a Context<'a>, bulk: &'a Bulk, deadlines: Deadlines) -> Self {
        Job {
            context,
            operations: &bulk.operations,
            definitions: bulk.definitions(),
            deadlines,
            fail_on_errors: bulk.fail_on_errors.unwrap_or(usize::MAX),
            ids: HashMap::new(),
            outcomes: BTreeMap::new(),
            errors: 0,
        }
    }

    /// RFC 7644 §3.7: "MUST continue performing as many changes as possible", unless `failOnErrors` limits the
    /// number of errors.
    async fn run(&mut self, steps: &[ExecutionStep]) {
        let mut left = steps;
        while let Some(first) = left.first().filter(|_| self.errors < self.fail_on_errors) {
            let performed = match first {
                ExecutionStep::Cycle(cycle) => {
                    self.cycle(cycle).await;
                    1
                }
                ExecutionStep::One(_) => self.batch(left).await,
            };
            left = left.get(performed..).unwrap_or_default();
        }
    }

    /// Performs the first of these steps, and those after it that do not have to wait for it. Returns their number.
    ///
    /// A batch is no larger than the number of errors that may still happen before the request ends: performed one
    /// after the other, at least as many would be carried out.
    async fn batch(&mut self, steps: &[ExecutionStep]) -> usize {
        let mut prepared = self.choose(steps.iter().take(MAX_BATCH.min(self.fail_on_errors - self.errors)));
        self.defer_conflicting_renames(&mut prepared).await;
        let count = prepared.len();
        for outcome in self.perform(prepared, self.deadlines).await {
            self.record(outcome);
        }
        count
    }

    /// Prepares the longest run of steps that can be performed at the same time.
    fn choose<'s>(&self, steps: impl Iterator<Item = &'s ExecutionStep>) -> Vec<Prepared> {
        let mut chosen = Vec::new();
        let mut batch = Batch::default();
        for step in steps {
            let ExecutionStep::One(index) = step else { break };
            let waits = |reference: &Reference| self.is_not_created_yet(reference) && !chosen.is_empty();
            let operation = self.operations.get(*index).filter(|it| !it.references.iter().any(waits));
            let Some(operation) = operation else { break };
            let call = self.prepare(operation);
            if call.as_ref().is_ok_and(|call| !batch.try_add(call, None)) {
                break;
            }
            chosen.push(Prepared { index: *index, call });
        }
        chosen
    }

    /// Removes the first PUT that claims a name which an operation before it releases, or that releases a name
    /// which an operation before it claims, and all operations after that PUT. They become part of a later batch.
    async fn defer_conflicting_renames(&self, prepared: &mut Vec<Prepared>) {
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
        let fits = |operation: &&Prepared| operation.call.as_ref().map_or(true, |call| batch.try_add(call, name(call)));
        let count = prepared.iter().take_while(fits).count();
        prepared.truncate(count);
    }

    /// The current names of the resources of this kind that PUT operations replace.
    async fn names(&self, kind: Kind, prepared: &[Prepared]) -> Result<Vec<(ResourceId, String)>, Error> {
        let calls = prepared.iter().filter_map(|operation| operation.call.as_ref().ok());
        let replaced = calls.filter(|call| call.method == Method::Replace && call.kind == kind);
        let ids: Vec<ResourceId> = replaced.filter_map(|call| ResourceId::parse(&call.id)).collect();
        let naming = resource_type(kind).naming_attribute();
        let mut names = Vec::new();
        for ids in ids.chunks(NAMES_PER_READ) {
            let found = self.context.directory.get_many(self.context.tenant(), kind, ids).await;
            for item in found.map_err(to_client_error)? {
                let stored = item.parse().map_err(to_client_error)?;
                let name = stored.resource.get(naming).and_then(Value::as_str);
                names.extend(name.map(|name| (stored.id.clone(), name.to_owned())));
            }
        }
        Ok(names)
    }

    /// Whether an operation that has no outcome yet creates the resource to which the reference points.
    fn is_not_created_yet(&self, reference: &Reference) -> bool {
        let definition = self.definitions.get(reference.bulk_id.as_str());
        definition.is_some_and(|index| !self.outcomes.contains_key(index))
    }

    /// The operation with ids in the place of references (RFC 7644 §3.7.2), and with a new id if it creates a
    /// resource.
    fn prepare(&self, operation: &Operation) -> Result<Call, Error> {
        let call = operation.call.as_ref().map_err(Clone::clone)?;
        for Reference { bulk_id, location: place } in &operation.references {
            if self.ids.contains_key(bulk_id.as_str()) {
                continue;
            }
            return Err(Error::Conflict(if self.definitions.contains_key(bulk_id.as_str()) {
                format!(
                    "{place} refers to a resource of this request that was not created, or that was deleted since. Correct the operation that creates it, and send both again."
                )
            } else {
                format!(
                    "{place} refers to a bulkId that no POST of this request has. Add that POST, or send the id of an existing resource."
                )
            }));
        }
        let call = call.resolved(|bulk_id| self.ids.get(bulk_id).map(String::as_str));
        Ok(if call.method == Method::Create { Call { id: new_id()?.to_string(), ..call } } else { call })
    }

    fn record(&mut self, Performed { index, id, result }: Performed) {
        let operation = self.operations.get(index);
        let method = operation.and_then(|operation| Some(operation.call.as_ref().ok()?.method));
        match (&result, method, &id) {
            (Ok(_), Some(Method::Create), Some(id)) => {
                let bulk_id = operation.and_then(|operation| operation.bulk_id.as_deref());
                self.ids.extend(bulk_id.map(|bulk_id| (bulk_id, id.clone())));
            }
            (Ok(_), Some(Method::Delete), Some(id)) => self.ids.retain(|_, known| known != id),
            (Ok(_), ..) => {}
            (Err(_), ..) => self.errors += 1,
        }
        self.outcomes.insert(index, Outcome { id, result });
    }

    /// The reply with the operations that were performed (RFC 7644 §3.7.3), in the order of the request.
    fn reply(&self) -> Reply {
        let report = |(index, outcome): (&usize, &Outcome)| {
            let operation: &Operation = self.operations.get(*index)?;
            Some(operation.report(self.context.exchange.base_url, outcome))
        };
        let body = response(self.outcomes.iter().filter_map(report).collect());
        let done = self.outcomes.values().filter_map(|outcome| outcome.result.as_ref().ok());
        let changed = done.flat_map(|done| done.changed.iter().cloned()).collect();
        Reply { status: 200, body: Some(body), changed, ..Reply::default() }
    }
}
