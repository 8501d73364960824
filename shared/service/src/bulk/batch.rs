//! Performs the operations that do not affect each other at the same time.

use std::collections::HashMap;

use protocol::Error;
use protocol::bulk::{Call, ConcurrentBatch, ExecutionStep, Method, Reference};
use schema::{Kind, ResourceId, resource_type};
use serde_json::Value;

use super::job::Job;
use super::perform::{IndexedCall, perform};
use crate::error::to_client_error;

/// The most operations in a batch that is performed at the same time.
const MAX_BATCH: usize = 100;

/// The number of resources that are read at a time for their names, because each may have 400 KB.
const NAMES_PER_READ: usize = 25;

impl Job<'_> {
    /// Performs the first of these steps, and those after it that do not have to wait for it. Returns their number.
    ///
    /// A batch is no larger than the number of errors that may still happen before the request ends: performed one
    /// after the other, at least as many would be carried out.
    pub(super) async fn batch(&mut self, steps: &[ExecutionStep]) -> usize {
        let mut prepared = self.choose(steps.iter().take(MAX_BATCH.min(self.fail_on_errors - self.errors)));
        self.defer_conflicting_renames(&mut prepared).await;
        let count = prepared.len();
        for outcome in perform(self.context, prepared, self.deadlines).await {
            self.record(outcome);
        }
        count
    }

    /// Prepares the longest run of steps that can be performed at the same time.
    fn choose<'s>(&self, steps: impl Iterator<Item = &'s ExecutionStep>) -> Vec<IndexedCall> {
        let mut chosen = Vec::new();
        let mut batch = ConcurrentBatch::default();
        for step in steps {
            let ExecutionStep::One(index) = step else { break };
            let waits = |reference: &Reference| self.is_not_created_yet(reference) && !chosen.is_empty();
            let operation = self.operations.get(*index).filter(|it| !it.references.iter().any(waits));
            let Some(operation) = operation else { break };
            let call = self.prepare(operation);
            if call.as_ref().is_ok_and(|call| !batch.try_add(call, None)) {
                break;
            }
            chosen.push(IndexedCall { index: *index, call });
        }
        chosen
    }

    /// Removes the first PUT that claims a name which an operation before it releases, or that releases a name
    /// which an operation before it claims, and all operations after that PUT. They become part of a later batch.
    async fn defer_conflicting_renames(&self, prepared: &mut Vec<IndexedCall>) {
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
        let mut batch = ConcurrentBatch::default();
        let name = |call: &Call| ResourceId::parse(&call.id).and_then(|id| names.get(&id)).map(String::as_str);
        let fits =
            |operation: &&IndexedCall| operation.call.as_ref().map_or(true, |call| batch.try_add(call, name(call)));
        let count = prepared.iter().take_while(fits).count();
        prepared.truncate(count);
    }

    /// The current names of the resources of this kind that PUT operations replace.
    async fn names(&self, kind: Kind, prepared: &[IndexedCall]) -> Result<Vec<(ResourceId, String)>, Error> {
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
}
