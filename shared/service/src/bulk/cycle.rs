//! Resources that refer to each other in a circle (RFC 7644 §3.7.1): all of them are created, or none is left.
//!
//! Their ids are made first, so that each can be named in the others. A group's members have to exist, so a group of the
//! circle is created without them and gets them once all are there.

use std::time::Instant;

use protocol::bulk::{Call, Method};
use protocol::{Error, entity_tag};
use schema::Kind;

use super::perform::{Performed, Time};
use super::{Job, Prepared};
use crate::keys::new_id;

impl<'a> Job<'a> {
    /// Creates the resources of a circle, by their places in the request.
    pub(super) async fn cycle(&mut self, cycle: &[usize]) {
        let operations = self.operations;
        let bulk_ids: Vec<&'a str> = cycle.iter().filter_map(|at| operations.get(*at)?.bulk_id.as_deref()).collect();
        let prepared = match self.name(&bulk_ids) {
            Ok(()) => cycle.iter().map(|at| (*at, self.prepare_named(*at))).collect(),
            Err(error) => cycle.iter().map(|at| (*at, Err(error.clone()))).collect(),
        };
        let performed = self.create_circle(prepared).await;
        // Whoever comes later may refer to what was created, which is what `record` finds.
        self.ids.retain(|bulk_id, _| !bulk_ids.contains(bulk_id));
        for (at, id, result) in performed {
            self.record(at, id, result);
        }
    }

    fn name(&mut self, bulk_ids: &[&'a str]) -> Result<(), Error> {
        for bulk_id in bulk_ids {
            self.ids.insert(bulk_id, new_id()?.to_string());
        }
        Ok(())
    }

    /// As [`Job::prepare`], with the id that was made for it.
    fn prepare_named(&self, at: usize) -> Result<Call, Error> {
        let operation = self.operations.get(at).ok_or(Error::Internal)?;
        let named = operation.bulk_id.as_deref().and_then(|bulk_id| self.ids.get(bulk_id));
        let id = named.ok_or(Error::Internal)?.clone();
        Ok(Call { id, ..self.prepare(operation)? })
    }

    async fn create_circle(&self, prepared: Vec<Prepared>) -> Vec<Performed> {
        if prepared.iter().any(|(_, call)| call.is_err()) {
            let unsent = |(at, call): Prepared| (at, None, call.and_then(|_| Err(failed_together())));
            return prepared.into_iter().map(unsent).collect();
        }
        let Time { begin, end } = self.time;
        if Instant::now() >= begin {
            return self.perform(prepared, self.time).await;
        }
        // What is left of the time is for taking back what was created.
        let early = Time { begin, end: begin + (end - begin) / 2 };
        let bare = prepared.iter().map(|(at, call)| (*at, call.clone().map(bare))).collect();
        let mut performed = self.perform(bare, early).await;
        if performed.iter().all(|(_, _, result)| result.is_ok()) {
            let completed = self.perform(prepared.iter().filter_map(completion).collect(), early).await;
            performed.retain(|(created, ..)| completed.iter().all(|(at, ..)| at != created));
            performed.extend(completed);
            performed.iter_mut().filter_map(|(_, _, result)| result.as_mut().ok()).for_each(|done| done.status = 201);
        }
        if performed.iter().any(|(_, _, result)| result.is_err()) {
            self.take_back(prepared, &mut performed).await;
        }
        performed
    }

    /// Deletes whatever there may be of a circle that failed, what was created without an answer too. Those that did not
    /// fail by themselves fail with the others.
    async fn take_back(&self, prepared: Vec<Prepared>, performed: &mut [Performed]) {
        for (_, _, result) in performed.iter_mut().filter(|(_, _, result)| result.is_ok()) {
            *result = Err(failed_together());
        }
        let deletes = prepared
            .into_iter()
            .map(|(at, call)| (at, call.map(|call| Call { method: Method::Delete, version: None, ..call })));
        let Time { end, .. } = self.time;
        for (at, id, deleted) in self.perform(deletes.collect(), Time { begin: end, end }).await {
            let is_gone = deleted.map_or_else(|error| error.status() == 404, |_| true);
            for (_, _, result) in performed.iter_mut().filter(|(failed, ..)| *failed == at && !is_gone) {
                *result = Err(left_over(id.as_deref().unwrap_or_default()));
            }
        }
    }
}

/// What can be created before the others are.
fn bare(call: Call) -> Call {
    if call.kind == Kind::Group { call.without_members() } else { call }
}

/// What gives a group its members, if nobody has changed it since.
fn completion((at, call): &Prepared) -> Option<Prepared> {
    let call = call.as_ref().ok().filter(|call| call.kind == Kind::Group)?;
    Some((*at, Ok(Call { method: Method::Replace, version: Some(entity_tag(1)), ..call.clone() })))
}

fn failed_together() -> Error {
    Error::Conflict(
        "The operation and others refer to each other in a cycle, and one of them failed, so that none was carried out. \
         Correct that one and send all of them again."
            .to_owned(),
    )
}

fn left_over(id: &str) -> Error {
    Error::Conflict(format!(
        "The operation and others refer to each other in a cycle, and one of them failed. What this one may have created, \
         with the id {id}, could not be deleted again: delete it before sending all of them again."
    ))
}
