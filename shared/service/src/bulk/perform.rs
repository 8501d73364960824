//! Carrying out operations, several at the same time and within the time of the request.

use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use protocol::bulk::{Call, Done, Method};
use protocol::{Error, Exchange, Projection, Reply};
use schema::ResourceId;

use super::{Job, Prepared};
use crate::create::create_as;
use crate::retry::COMMIT_BUDGET;
use crate::{Context, delete, patch, replace};

/// Operations under way at the same time. More of them meet at the counters of the tenant, and wait for each other.
const MAX_CONCURRENT: usize = 8;
/// The outcome of an operation, with its place in the request and the resource's id.
pub(super) type Performed = (usize, Option<String>, Result<Done, Error>);

/// When operations may still begin, and when they have to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

impl Time {
    pub(super) fn new(end: Instant) -> Self {
        Time { begin: end.checked_sub(COMMIT_BUDGET).unwrap_or(end), end }
    }
}

impl Job<'_> {
    /// Carries out what could be prepared.
    pub(super) async fn perform(&self, mut prepared: Vec<Prepared>, time: Time) -> Vec<Performed> {
        prepared.sort_by_key(|(at, _)| *at);
        let several = prepared.len() > 1;
        let begun: Vec<_> = prepared.iter().map(|(at, call)| begin(self.context, time, *at, call)).collect();
        let mut results: Vec<_> = stream::iter(begun).buffer_unordered(MAX_CONCURRENT).collect().await;
        results.sort_by_key(|(at, _)| *at);
        let mut outcomes = Vec::with_capacity(results.len());
        for ((at, call), (_, mut result)) in prepared.into_iter().zip(results) {
            // They may have been in each other's way. What is called too many requests was surely not carried out.
            if let (true, Ok(call), Err(Error::TooManyRequests { .. })) = (several, &call, &result) {
                result = carry_out(self.context, time, call).await;
            }
            outcomes.push((at, call.ok().map(|call| call.id), result));
        }
        outcomes
    }
}

async fn begin(
    context: &Context<'_>,
    time: Time,
    at: usize,
    call: &Result<Call, Error>,
) -> (usize, Result<Done, Error>) {
    match call {
        Ok(call) => (at, carry_out(context, time, call).await),
        Err(error) => (at, Err(error.clone())),
    }
}

async fn carry_out(context: &Context<'_>, time: Time, call: &Call) -> Result<Done, Error> {
    if Instant::now() >= time.begin {
        return Err(Error::OutOfTime(
            "The operation was not begun, as the time for a bulk request was over. Send it again, with fewer others."
                .to_owned(),
        ));
    }
    let context = Context { exchange: Exchange { deadline: time.end, ..context.exchange }, ..*context };
    let reply = tokio::time::timeout_at(time.end.into(), request(&context, call)).await.unwrap_or_else(|_| {
        Err(Error::OutOfTime(
            "The time for a bulk request was over while the operation was under way: it may or may not have been carried \
             out. Read the resource before sending it again."
                .to_owned(),
        ))
    });
    reply.map(|reply| Done { status: reply.status, version: reply.version, changed: reply.changed })
}

/// What the same request does by itself. The answer is without the resource, which is therefore not read.
async fn request(context: &Context<'_>, call: &Call) -> Result<Reply, Error> {
    let Call { verb, kind, id, data, .. } = call;
    let (projection, precondition) =
        (&Projection::parse(Some("id"), None, &context.exchange.caller.dialect)?, &call.precondition());
    match verb {
        Method::Create => {
            let id = ResourceId::parse(id).ok_or(Error::Internal)?;
            create_as(context, *kind, id, data, projection).await
        }
        Method::Replace => replace(context, *kind, id, data, projection, precondition).await,
        Method::Patch => patch(context, *kind, id, data, projection, precondition).await,
        Method::Delete => delete(context, *kind, id, precondition).await,
    }
}
