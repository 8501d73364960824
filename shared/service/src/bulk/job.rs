//! A bulk request under way: its operations, the ids that bulkIds stand for, and the outcomes so far.

use std::collections::{BTreeMap, HashMap};

use protocol::bulk::{BulkRequest, Call, Method, Operation, OperationOutcome, Reference, response};
use protocol::{Error, Reply};

use super::perform::{Deadlines, IndexedOutcome};
use crate::Context;
use crate::keys::new_id;

/// A bulk request under way.
pub(super) struct Job<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) operations: &'a [Operation],
    /// The position of the operation that creates the resource of a bulkId.
    definitions: HashMap<&'a str, usize>,
    pub(super) deadlines: Deadlines,
    pub(super) fail_on_errors: usize,
    /// The ids of the resources that bulkIds stand for, from their creation to their deletion.
    pub(super) ids: HashMap<&'a str, String>,
    outcomes: BTreeMap<usize, OperationOutcome>,
    pub(super) errors: usize,
}

impl<'a> Job<'a> {
    pub(super) fn new(context: &'a Context<'a>, bulk: &'a BulkRequest, deadlines: Deadlines) -> Self {
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

    /// Whether an operation that has no outcome yet creates the resource to which the reference points.
    pub(super) fn is_not_created_yet(&self, reference: &Reference) -> bool {
        let definition = self.definitions.get(reference.bulk_id.as_str());
        definition.is_some_and(|index| !self.outcomes.contains_key(index))
    }

    /// The operation with ids in the place of references (RFC 7644 §3.7.2), and with a new id if it creates a
    /// resource.
    pub(super) fn prepare(&self, operation: &Operation) -> Result<Call, Error> {
        let call = operation.call.as_ref().map_err(Clone::clone)?;
        for Reference { bulk_id, location: place } in &operation.references {
            if self.ids.contains_key(bulk_id.as_str()) {
                continue;
            }
            return Err(Error::Conflict(if self.definitions.contains_key(bulk_id.as_str()) {
                format!(
                    "{place} refers to a resource of this request that was not created, or that was deleted since. \
                     Correct the operation that creates it, and send both again."
                )
            } else {
                format!(
                    "{place} refers to a bulkId that no POST of this request has. Add that POST, or send the id of an \
                     existing resource."
                )
            }));
        }
        let call = call.resolved(|bulk_id| self.ids.get(bulk_id).map(String::as_str));
        Ok(if call.method == Method::Create { Call { id: new_id()?.to_string(), ..call } } else { call })
    }

    pub(super) fn record(&mut self, IndexedOutcome { index, id, result }: IndexedOutcome) {
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
        self.outcomes.insert(index, OperationOutcome { id, result });
    }

    /// The reply with the operations that were performed (RFC 7644 §3.7.3), in the order of the request.
    pub(super) fn reply(&self) -> Reply {
        let report = |(index, outcome): (&usize, &OperationOutcome)| {
            let operation: &Operation = self.operations.get(*index)?;
            Some(operation.report(self.context.exchange.base_url, outcome))
        };
        let body = response(self.outcomes.iter().filter_map(report).collect());
        let done = self.outcomes.values().filter_map(|outcome| outcome.result.as_ref().ok());
        let changed = done.flat_map(|done| done.changed.iter().cloned()).collect();
        Reply { status: 200, body: Some(body), changed, ..Reply::default() }
    }
}
