//! Performs operations, several at the same time, within the time of the request.

use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use protocol::bulk::{Call, Method, Success};
use protocol::{Error, Exchange, Projection, Reply, Work};
use schema::ResourceId;

use crate::create::create_as;
use crate::retry::COMMIT_BUDGET;
use crate::{Context, delete, patch, replace};

/// The maximum number of operations that run at the same time. More of them would contend for the counters of the
/// tenant.
const MAX_CONCURRENT_OPERATIONS: usize = 8;

/// An operation that is ready to be performed, or the error for which it is not.
pub(super) struct IndexedCall {
    /// The position of the operation in the request.
    pub(super) index: usize,
    pub(super) call: Result<Call, Error>,
}

/// The outcome of one operation of the request.
pub(super) struct IndexedOutcome {
    /// The position of the operation in the request.
    pub(super) index: usize,
    /// The id of the resource, where it is known.
    pub(super) id: Option<String>,
    pub(super) result: Result<Success, Error>,
}

/// The latest time at which an operation may start, and the time by which it has to be finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) start_by: Instant,
    pub(super) finish_by: Instant,
}

impl Deadlines {
    pub(super) fn new(finish_by: Instant) -> Self {
        Self { start_by: finish_by.checked_sub(COMMIT_BUDGET).unwrap_or(finish_by), finish_by }
    }
}

/// Performs the operations that are ready, and returns an outcome for each, in the order of the request.
pub(super) async fn perform(
    context: &Context<'_>,
    mut calls: Vec<IndexedCall>,
    deadlines: Deadlines,
) -> Vec<IndexedOutcome> {
    calls.sort_by_key(|operation| operation.index);
    let has_several = calls.len() > 1;
    let attempt =
        async |operation: &IndexedCall| (operation.index, perform_one(context, deadlines, &operation.call).await);
    let attempts: Vec<_> = calls.iter().map(attempt).collect();
    let mut results: Vec<_> = stream::iter(attempts).buffer_unordered(MAX_CONCURRENT_OPERATIONS).collect().await;
    results.sort_by_key(|(index, _)| *index);
    let mut outcomes = Vec::with_capacity(results.len());
    for (IndexedCall { index, call }, (_, mut result)) in calls.into_iter().zip(results) {
        // The operations may have contended with each other. One that failed with 429 was not carried out, so
        // it is repeated alone.
        if has_several && matches!(result, Err(Error::TooManyRequests { .. })) {
            result = perform_one(context, deadlines, &call).await;
        }
        outcomes.push(IndexedOutcome { index, id: call.ok().map(|call| call.id), result });
    }
    outcomes
}

async fn perform_one(
    context: &Context<'_>,
    deadlines: Deadlines,
    call: &Result<Call, Error>,
) -> Result<Success, Error> {
    let call = call.as_ref().map_err(Clone::clone)?;
    context.bulk.map_or(Ok(()), Work::check)?;
    if Instant::now() >= deadlines.start_by {
        return Err(Error::OutOfTime(
            "The operation was not started, because the time for the bulk request was over. Send it again with fewer \
             operations."
                .to_owned(),
        ));
    }
    let exchange = Exchange { deadline: deadlines.finish_by, ..context.exchange };
    let context = Context { exchange, ..*context };
    let reply = tokio::time::timeout_at(deadlines.finish_by.into(), request(&context, call)).await;
    let reply = reply.unwrap_or_else(|_| {
        Err(Error::OutOfTime(
            "The time for the bulk request was over while the operation was under way, so that it may or may not have \
             been carried out. Read the resource before you send the operation again."
                .to_owned(),
        ))
    });
    reply.map(|reply| Success { status: reply.status, version: reply.version, changed: reply.changed })
}

/// Performs an operation as if it were a separate request. The projection includes only the id, so that no edges
/// are read.
async fn request(context: &Context<'_>, call: &Call) -> Result<Reply, Error> {
    let Call { method, kind, id, data, .. } = call;
    let projection = Projection::parse(Some("id"), None, &context.exchange.caller.dialect)?;
    let precondition = call.precondition();
    match method {
        Method::Create => {
            let id = ResourceId::parse(id).ok_or(Error::Internal)?;
            create_as(context, *kind, id, data, &projection).await
        }
        Method::Replace => replace(context, *kind, id, data, &projection, &precondition).await,
        Method::Patch => patch(context, *kind, id, data, &projection, &precondition).await,
        Method::Delete => delete(context, *kind, id, &precondition).await,
    }
}
