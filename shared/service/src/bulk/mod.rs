//! Bulk operations (RFC 7644 §3.7): each one is performed, and commits, like a request by itself. Operations that
//! do not affect each other are performed at the same time, the others in their order.

mod batch;
mod cycle;
mod job;
mod perform;

use protocol::bulk::{BulkRequest, ExecutionStep, order};
use protocol::{Error, Reply, Work};
use schema::Object;

use crate::Context;
use job::Job;
use perform::Deadlines;

/// Performs a bulk request. Operations that have not started some seconds before the response deadline are reported
/// as not carried out.
///
/// # Errors
/// The errors of [`BulkRequest::parse`]. A failed operation is not an error of the request.
pub async fn bulk(context: &Context<'_>, body: &Object) -> Result<Reply, Error> {
    let bulk = BulkRequest::parse(body, &context.exchange.caller.dialect)?;
    let work = Work::of_bulk();
    let context = Context { bulk: Some(&work), ..*context };
    let mut job = Job::new(&context, &bulk, Deadlines::new(context.exchange.deadline));
    run(&mut job, &order(&bulk)).await;
    Ok(job.reply())
}

/// RFC 7644 §3.7: "MUST continue performing as many changes as possible", unless `failOnErrors` limits the number of
/// errors.
async fn run(job: &mut Job<'_>, steps: &[ExecutionStep]) {
    let mut left = steps;
    while let Some(first) = left.first().filter(|_| job.errors < job.fail_on_errors) {
        let performed = match first {
            ExecutionStep::Cycle(cycle) => {
                job.cycle(cycle).await;
                1
            }
            ExecutionStep::One(_) => job.batch(left).await,
        };
        left = left.get(performed..).unwrap_or_default();
    }
}
