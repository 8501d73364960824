//! The list of the changes that a function may still have to finish: large changes of members, and deletes with edges.
//!
//! A large change is listed before its chunks are written, and a delete with its commit, so that a change is found even
//! if the process ends. The list is one collection for all tenants. A change stays on it until it is known to be
//! complete, or known never to be committed. Then its chunks are deleted.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::event::{Change, ChangeType};
use protocol::{Caller, Tenant};
use schema::ResourceId;
use serde::{Deserialize, Serialize};

use crate::attributes::{Item, number};
use crate::clock::now_ms;
use crate::item::{self, PendingItem};
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::transaction::transact::TransactError;
use crate::{Backoff, Directory, Error, SettleState};

/// The time after which a listed change that is not committed is aborted. No request lasts a tenth of it.
const PREPARE_TIME: Duration = Duration::from_secs(600);
/// The time that the request that commits a change has to finish it itself.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The time for which a claim keeps other callers from working on a change.
const CLAIM_TIME: Duration = Duration::from_secs(60);
/// The bounds of the pauses after the first failure to finish a change and after the last one.
const FIRST_PAUSE_MS: u64 = 15_000;
const MAX_PAUSE_MS: u64 = 900_000;

/// The state of a listed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ListedState {
    /// Its chunks are being written. It may never be committed.
    Prepared,
    Committed,
    /// It was aborted, and can no longer be committed.
    Aborted,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnfinishedItem {
    tenant: String,
    resource: String,
    state: ListedState,
    /// The time from which a caller has to work on the change, in milliseconds since 1970.
    not_before: u64,
    /// How many attempts to finish it have failed.
    failures: u32,
}

/// A change that may not be complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedChange {
    pub tenant: Tenant,
    /// The group or the deleted resource.
    pub resource: ResourceId,
    /// How many attempts to finish it have failed.
    pub failures: u32,
    change: ResourceId,
    state: ListedState,
    not_before: u64,
    /// The time at which it was read, in milliseconds since 1970.
    read_at: u64,
}

impl UnfinishedChange {
    pub(crate) fn is_committed(&self) -> bool {
        self.state == ListedState::Committed
    }

    pub(crate) fn has_id(&self, change: &ResourceId) -> bool {
        self.change == *change
    }
}

impl UnfinishedItem {
    fn new(tenant: &Tenant, resource: &ResourceId, state: ListedState, pause: Duration) -> Self {
        let not_before = now_ms().saturating_add(milliseconds(pause));
        Self { tenant: tenant.as_str().to_owned(), resource: resource.to_string(), state, not_before, failures: 0 }
    }
}

/// The action that lists a committed change. A delete is listed by the transaction that commits it, on condition that
/// it is not listed; a pending change that may not be on the list is listed without a condition.
pub(crate) fn list_committed(
    table: &str,
    tenant: &Tenant,
    resource: &ResourceId,
    change: &ResourceId,
    condition: Option<&str>,
) -> Result<WriteAction, Error> {
    let item = UnfinishedItem::new(tenant, resource, ListedState::Committed, REQUEST_TIME);
    action::put(table, &Key::unfinished(change), &item, condition, ConditionFailure::Unexpected)
}

/// The action that marks a listed change as committed, in the transaction that commits it. It fails if the change was
/// aborted.
pub(crate) fn mark_committed(table: &str, change: &ResourceId) -> Result<WriteAction, Error> {
    let values = Item::from([
        ("committed".to_owned(), state_value(ListedState::Committed)?),
        ("prepared".to_owned(), state_value(ListedState::Prepared)?),
        ("notBefore".to_owned(), number(now_ms().saturating_add(milliseconds(REQUEST_TIME)))),
    ]);
    let set = "SET #state = :committed, #notBefore = :notBefore";
    let condition = Some("#state = :prepared");
    action::update(table, &Key::unfinished(change), set, condition, values, ConditionFailure::EdgeChanged)
}

impl Directory {
    /// Lists a change whose chunks are about to be written.
    pub(crate) async fn list_prepared(
        &self,
        caller: &Caller,
        resource: &ResourceId,
        change: &ResourceId,
    ) -> Result<(), Error> {
        let item = UnfinishedItem::new(&caller.tenant, resource, ListedState::Prepared, PREPARE_TIME);
        self.put_new(item::with_key(&Key::unfinished(change), &item)?).await
    }

    /// Marks a change that was not committed as aborted, so that it cannot be committed any more. Returns `false` if
    /// it was committed, or another caller has aborted it.
    pub(crate) async fn forbid_commit(&self, change: &ResourceId) -> Result<bool, Error> {
        let values = Item::from([
            ("prepared".to_owned(), state_value(ListedState::Prepared)?),
            ("aborted".to_owned(), state_value(ListedState::Aborted)?),
        ]);
        let (set, condition) = ("SET #state = :aborted", Some("#state = :prepared"));
        let key = Key::unfinished(change);
        let update = action::update(&self.table, &key, set, condition, values, ConditionFailure::EdgeChanged)?;
        is_replaced(self.transact(&[update]).await)
    }

    /// Removes a change from the list.
    pub(crate) async fn unlist(&self, change: &ResourceId) -> Result<(), Error> {
        self.delete_batch([Key::unfinished(change)].into()).await
    }

    /// Lists the change of a record if it is pending and not listed, because version 0.1.0 committed it.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn list_if_pending(&self, change: &Change) -> Result<(), Error> {
        if !change.is_chunked && change.change_type != ChangeType::Deleted {
            return Ok(());
        }
        // The record may be visible before the other items of its transaction.
        let pending = self.read_isolated(&Key::pending_changes(&change.tenant, &change.resource)).await?;
        let pending: Option<PendingItem> = pending.map(item::body).transpose()?;
        if pending.is_none_or(|pending| pending.is_listed) {
            return Ok(());
        }
        let item = UnfinishedItem::new(&change.tenant, &change.resource, ListedState::Committed, REQUEST_TIME);
        self.put_new(item::with_key(&Key::unfinished(&change.id), &item)?).await
    }

    /// The changes that are due at the time `now_ms`, in milliseconds since 1970, the earliest first.
    ///
    /// # Errors
    /// The errors of a read: `Throttled`, `Unavailable`, `Refused`.
    pub async fn unfinished_changes(&self, now_ms: u64) -> Result<Vec<UnfinishedChange>, Error> {
        let read = |item| Ok(unfinished_change(item, now_ms));
        let listed = self.query_as(CollectionQuery::all(key::UNFINISHED.to_owned()), None, read).await?;
        Ok(listed.into_iter().flatten().filter(|change| change.not_before <= now_ms).collect())
    }

    /// Finishes a change, and removes it from the list. It starts nothing after `deadline`, which should be within 45
    /// seconds. Several callers may do it at the same time: all but one return at once.
    ///
    /// # Errors
    /// The errors of [`Directory::settle`]. The change is due again after a pause, which doubles with each failure.
    pub async fn finish_change(&self, change: &UnfinishedChange, deadline: Instant) -> Result<SettleState, Error> {
        if change.state == ListedState::Committed && self.is_complete(change).await? {
            return self.unlist(&change.change).await.map(|()| SettleState::Done);
        }
        let Some(claimed) = self.claim(change).await? else { return Ok(SettleState::Done) };
        if claimed.state == ListedState::Aborted {
            self.delete_chunks_unless_committed(&claimed).await?;
        } else {
            let state = self.settle(&claimed.tenant, &claimed.resource, deadline).await?;
            if state != SettleState::Done {
                let not_before = match state {
                    SettleState::Waiting => now_ms().saturating_add(milliseconds(self.torn_time)),
                    _ => claimed.read_at,
                };
                return self.release(&claimed, not_before).await.map(|()| state);
            }
        }
        self.unlist(&claimed.change).await.map(|()| SettleState::Done)
    }

    /// Whether the resource of a committed change has no pending change. One transaction reads both items, because
    /// other reads may show one of them before the other.
    async fn is_complete(&self, change: &UnfinishedChange) -> Result<bool, Error> {
        let keys = [Key::unfinished(&change.change), Key::pending_changes(&change.tenant, &change.resource)];
        let items = self.read_together(&keys).await?;
        Ok(items.get(1).is_some_and(Option::is_none))
    }

    /// Deletes the chunks of an aborted change. DynamoDB may have applied the call that listed the change late, after
    /// the change was complete and removed from the list: then the chunks belong to its change record.
    async fn delete_chunks_unless_committed(&self, change: &UnfinishedChange) -> Result<(), Error> {
        match self.read(&Key::change(&change.tenant, &change.change)).await? {
            Some(_) => Ok(()),
            None => self.delete_chunks(&change.tenant, &change.change).await,
        }
    }

    /// Claims a change, and aborts it if it was prepared and never committed. Returns the change as it is then; `None`
    /// if another caller was faster.
    async fn claim(&self, change: &UnfinishedChange) -> Result<Option<UnfinishedChange>, Error> {
        let state = match change.state {
            ListedState::Committed => ListedState::Committed,
            ListedState::Prepared | ListedState::Aborted => ListedState::Aborted,
        };
        let mut pauses = Backoff::new(FIRST_PAUSE_MS, MAX_PAUSE_MS);
        let pause = (0..=change.failures.min(16)).map(|_| pauses.next_pause()).last().unwrap_or_default();
        let until = change.read_at.saturating_add(milliseconds(CLAIM_TIME + pause));
        let claimed = UnfinishedChange { state, not_before: until, failures: change.failures + 1, ..change.clone() };
        Ok(self.replace(change, &claimed).await?.then_some(claimed))
    }

    /// Makes a change due at the time `not_before`, because the work on it has to continue.
    async fn release(&self, claimed: &UnfinishedChange, not_before: u64) -> Result<(), Error> {
        let released = UnfinishedChange { not_before, failures: 0, ..claimed.clone() };
        self.replace(claimed, &released).await.map(drop)
    }

    /// Replaces a listed change, if it is as it was read.
    async fn replace(&self, before: &UnfinishedChange, after: &UnfinishedChange) -> Result<bool, Error> {
        let values = Item::from([
            ("before".to_owned(), number(before.not_before)),
            ("was".to_owned(), state_value(before.state)?),
            ("notBefore".to_owned(), number(after.not_before)),
            ("state".to_owned(), state_value(after.state)?),
            ("failures".to_owned(), number(after.failures)),
        ]);
        let set = "SET #state = :state, #notBefore = :notBefore, #failures = :failures";
        let condition = Some("#state = :was AND #notBefore = :before");
        let key = Key::unfinished(&before.change);
        let update = action::update(&self.table, &key, set, condition, values, ConditionFailure::EdgeChanged)?;
        is_replaced(self.transact(&[update]).await)
    }
}

/// Whether a transaction has replaced a listed change, which otherwise was no longer as the condition expects.
fn is_replaced(sent: Result<(), TransactError>) -> Result<bool, Error> {
    match sent {
        Ok(()) => Ok(true),
        Err(TransactError::AlreadyApplied | TransactError::Permanent(Error::Stale)) => Ok(false),
        Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => Err(error),
    }
}

/// Reads a listed change. Returns `None` if this version cannot read it, so that a version that can finishes it.
fn unfinished_change(item: Item, read_at: u64) -> Option<UnfinishedChange> {
    let change = item::text(&item, SK).ok().and_then(ResourceId::parse);
    let read = item::body::<UnfinishedItem>(item).ok().zip(change).and_then(|(item, change)| {
        let tenant = Tenant::named(&item.tenant)?;
        let resource = ResourceId::parse(&item.resource)?;
        let UnfinishedItem { state, not_before, failures, .. } = item;
        Some(UnfinishedChange { tenant, resource, failures, change, state, not_before, read_at })
    });
    if read.is_none() {
        tracing::error!("a listed change cannot be read; a newer version has written it, or it is damaged");
    }
    read
}

fn state_value(state: ListedState) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(state).map_err(|error| Error::Corrupt(error.to_string()))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
