//! Publishes the events of past changes again, in the order of the changes, from their records:
//! `{"tenant": "acme", "from": "2026-11-26T08:00:00Z", "to": "2026-11-26T12:00:00Z"}`.
//! An event keeps its `jti`, so that a consumer recognizes one that it has received before.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::event::Change;
use protocol::{Error, Tenant};
use publish::Publisher;
use schema::ResourceId;
use serde::{Deserialize, Serialize};
use service::build_events;
use store::{ChangePage, created_at_ms, first_change_id};

/// The number of changes that are published together.
const PAGE: usize = 200;
/// No page is started later than this after the start of an invocation, whose time limit is 300 seconds.
const BUDGET: Duration = Duration::from_secs(240);
/// Seconds after which the caller may try again when DynamoDB or EventBridge does not respond.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Which changes are published again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayQuery {
    pub tenant: String,
    /// The first instant, RFC 3339.
    pub from: String,
    /// The last instant, RFC 3339; now if absent.
    #[serde(default)]
    pub to: Option<String>,
    /// The `nextToken` of the previous call.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// The numbers of changes and events that were published again.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayReport {
    pub changes: usize,
    pub events: usize,
    /// The `jti` of each event that EventBridge will never accept.
    pub refused: Vec<String>,
    /// The id of each change record that cannot be read, so that its events are not published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
    /// There are more changes: the same call with this token continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// # Errors
/// [`Error::InvalidValue`] for a query that names no tenant or no instant; [`Error::Unavailable`] if DynamoDB or
/// EventBridge did not respond before anything was published.
pub async fn handle(publisher: &Publisher, query: ReplayQuery) -> Result<ReplayReport, Error> {
    let tenant = Tenant::named(&query.tenant).ok_or_else(|| invalid("tenant", "the name of a tenant, such as acme"))?;
    let from = milliseconds("from", &query.from)?;
    let to = query.to.as_deref().map_or(Ok(u64::MAX), |to| milliseconds("to", to))?;
    let token = query.next_token.as_deref().map(|token| {
        ResourceId::parse(token).ok_or_else(|| invalid("nextToken", "the nextToken of the previous call"))
    });
    let mut after = token.transpose()?.or_else(|| first_change_id(from));
    let mut report = ReplayReport::default();
    let until = Instant::now() + BUDGET;
    loop {
        match replay_page(publisher, &tenant, &mut after, to, &mut report).await {
            Ok(true) => return Ok(report),
            Ok(false) if Instant::now() < until => continue,
            Ok(false) => {}
            Err(error) if report.changes == 0 => return Err(error),
            Err(_) => {}
        }
        report.next_token = after.map(|id| id.to_string());
        return Ok(report);
    }
}

/// Publishes the next page of changes, moves `after` behind it, and returns whether it was the last one.
async fn replay_page(
    publisher: &Publisher,
    tenant: &Tenant,
    after: &mut Option<ResourceId>,
    to: u64,
    report: &mut ReplayReport,
) -> Result<bool, Error> {
    let ChangePage { changes: page, unreadable } =
        publisher.directory.changes(tenant, after.as_ref(), PAGE).await.map_err(unavailable)?;
    report.unreadable.extend(unreadable);
    let is_in_time = |change: &Change| created_at_ms(&change.id).is_some_and(|made| made <= to);
    let is_last = page.len() < PAGE || !page.iter().all(is_in_time);
    let page: Vec<Change> = page.into_iter().filter(is_in_time).collect();
    let mut events = Vec::with_capacity(page.len());
    for change in &page {
        events.push(build_events(&publisher.directory, change, &publisher.event_options).await.map_err(unavailable)?);
    }
    let refused = publisher.bus.publish(&events).await.map_err(|(_, error)| unavailable(error))?;
    report.changes += page.len();
    report.events += events.iter().map(Vec::len).sum::<usize>();
    report.refused.extend(refused.into_iter().map(|event| event.jti));
    *after = page.into_iter().next_back().map(|change| change.id).or_else(|| after.take());
    Ok(is_last)
}

fn milliseconds(name: &str, text: &str) -> Result<u64, Error> {
    let at: Result<Timestamp, _> = text.parse();
    let milliseconds = at.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    milliseconds.ok_or_else(|| invalid(name, "an instant, such as 2026-11-26T08:00:00Z"))
}

fn invalid(name: &str, wanted: &str) -> Error {
    Error::InvalidValue(format!("{name}: send {wanted}."))
}

fn unavailable(cause: impl std::fmt::Display) -> Error {
    tracing::error!(%cause, "changes cannot be published again");
    Error::Unavailable { retry_after: RETRY_AFTER_SECONDS }
}
