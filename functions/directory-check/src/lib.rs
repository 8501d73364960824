//! Checks whether the items of the table agree with each other: `{}` checks all tenants, `{"tenant": "acme"}` one, and
//! `{"repair": true}` repairs the problems that are found. An answer with a `nextToken` is not complete.

use std::time::{Duration, Instant};

use protocol::Error;
use service::check::{CheckAnswer, CheckQuery, check};
use store::Directory;

/// No page is started later than this after the start of an invocation, so that the AWS CLI gets the answer within its
/// 60 seconds.
const BUDGET: Duration = Duration::from_secs(25);

/// # Errors
/// Those of [`check`].
pub async fn handle(directory: &Directory, query: CheckQuery) -> Result<CheckAnswer, Error> {
    check(directory, &query, Instant::now() + BUDGET).await
}
