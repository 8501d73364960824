//! Creates resources that refer to each other in a cycle (RFC 7644 §3.7.1): all of them, or none remains.
//!
//! Their ids are generated first, so that the resources can refer to each other. The members of a group have to
//! exist, so a group of the cycle is created without members and gets them once all resources of the cycle exist.

use std::time::Instant;

use protocol::bulk::{Call, Method};
use protocol::{Error, entity_tag};
use schema::Kind;

use super::job::Job;
use super::perform::{Deadlines, IndexedCall, IndexedOutcome, perform};
use crate::keys::new_id;

impl<'a> Job<'a> {
    /// Creates the resources of a cycle, given by the positions of their operations in the request.
    pub(super) async fn cycle(&mut self, cycle: &[usize]) {
        let operations = self.operations;
        let bulk_ids: Vec<&'a str> =
            cycle.iter().filter_map(|index| operations.get(*index)?.bulk_id.as_deref()).collect();
        let named = self.make_ids(&bulk_ids);
        let prepare = |index: &usize| {
            let call = named.clone().and_then(|()| self.prepare_named(*index));
            IndexedCall { index: *index, call }
        };
        let prepared = cycle.iter().map(prepare).collect();
        let performed = self.create_cycle(prepared).await;
        // Later operations may refer only to resources that were created; `record` adds their ids again.
        self.ids.retain(|bulk_id, _| !bulk_ids.contains(bulk_id));
        for outcome in performed {
            self.record(outcome);
        }
    }

    fn make_ids(&mut self, bulk_ids: &[&'a str]) -> Result<(), Error> {
        for bulk_id in bulk_ids {
            self.ids.insert(bulk_id, new_id()?.to_string());
        }
        Ok(())
    }

    /// As [`Job::prepare`], with the id that was generated for the operation.
    fn prepare_named(&self, index: usize) -> Result<Call, Error> {
        let operation = self.operations.get(index).ok_or(Error::Internal)?;
        let id = operation.bulk_id.as_deref().and_then(|bulk_id| self.ids.get(bulk_id));
        let id = id.ok_or(Error::Internal)?.clone();
        Ok(Call { id, ..self.prepare(operation)? })
    }

    async fn create_cycle(&self, prepared: Vec<IndexedCall>) -> Vec<IndexedOutcome> {
        if prepared.iter().any(|operation| operation.call.is_err()) {
            let unsent = |IndexedCall { index, call }| IndexedOutcome {
                index,
                id: None,
                result: call.and_then(|_| Err(failed_together())),
            };
            return prepared.into_iter().map(unsent).collect();
        }
        let Deadlines { start_by, finish_by } = self.deadlines;
        if Instant::now() >= start_by {
            return perform(self.context, prepared, self.deadlines).await;
        }
        // The second half of the time is reserved for deleting the created resources.
        let early = Deadlines { start_by, finish_by: start_by + (finish_by - start_by) / 2 };
        let creates =
            prepared.iter().map(|it| IndexedCall { index: it.index, call: it.call.clone().map(without_members) });
        let mut performed = perform(self.context, creates.collect(), early).await;
        if performed.iter().all(|created| created.result.is_ok()) {
            let completions = prepared.iter().filter_map(add_members).collect();
            for completion in perform(self.context, completions, early).await {
                supersede(&mut performed, completion);
            }
            for done in performed.iter_mut().filter_map(|created| created.result.as_mut().ok()) {
                done.status = 201;
            }
        }
        if performed.iter().any(|created| created.result.is_err()) {
            self.delete_created(prepared, &mut performed).await;
        }
        performed
    }

    /// Deletes the resources of a failed cycle that may exist, also without a response to their creation. Operations
    /// that did not fail by themselves fail with the others.
    async fn delete_created(&self, prepared: Vec<IndexedCall>, performed: &mut [IndexedOutcome]) {
        for created in performed.iter_mut().filter(|created| created.result.is_ok()) {
            created.result = Err(failed_together());
        }
        let delete = |IndexedCall { index, call }| {
            let call = call.map(|call| Call { method: Method::Delete, version: None, ..call });
            IndexedCall { index, call }
        };
        let deletes = prepared.into_iter().map(delete).collect();
        let finish_by = self.deadlines.finish_by;
        for deleted in perform(self.context, deletes, Deadlines { start_by: finish_by, finish_by }).await {
            let is_gone = deleted.result.map_or_else(|error| error.status() == 404, |_| true);
            for created in performed.iter_mut().filter(|created| created.index == deleted.index && !is_gone) {
                created.result = Err(not_deleted(deleted.id.as_deref().unwrap_or_default()));
            }
        }
    }
}

/// The part of an operation that does not need the other resources of the cycle.
fn without_members(call: Call) -> Call {
    if call.kind == Kind::Group { call.without_members() } else { call }
}

/// The operation that gives a created group its members, unless another request has changed the group since.
fn add_members(operation: &IndexedCall) -> Option<IndexedCall> {
    let call = operation.call.as_ref().ok().filter(|call| call.kind == Kind::Group)?;
    let call = Call { method: Method::Replace, version: Some(entity_tag(1)), ..call.clone() };
    Some(IndexedCall { index: operation.index, call: Ok(call) })
}

/// Puts the completion of a group in the place of its creation.
fn supersede(performed: &mut [IndexedOutcome], mut completion: IndexedOutcome) {
    let Some(created) = performed.iter_mut().find(|created| created.index == completion.index) else { return };
    if let (Ok(completed), Ok(created)) = (&mut completion.result, &mut created.result) {
        completed.changed.append(&mut created.changed);
    }
    *created = completion;
}

fn failed_together() -> Error {
    Error::Conflict(
        "The operation and others refer to each other in a cycle, and one of them failed, so none was carried out. \
         Correct that one and send all of them again."
            .to_owned(),
    )
}

fn not_deleted(id: &str) -> Error {
    Error::Conflict(format!(
        "The operation and others refer to each other in a cycle, and one of them failed. The resource {id}, which \
         this operation may have created, could not be deleted again. Delete it before you send all of them again."
    ))
}
