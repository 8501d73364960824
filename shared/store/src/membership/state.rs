//! The pending changes of a tenant, usually none. Readers of edges take them into account, so that a change is seen
//! as a whole from its commit on.

use std::collections::BTreeSet;
use std::time::Instant;

use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::clock::now_ms;
use crate::item::{self, LastSettledItem, PendingItem};
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::{Directory, Error};

/// A change that was applied within this time, in milliseconds, counts as recent: a reader of edges that runs at
/// the same time as [`Directory::pending_changes`] may have read the edges of before. No request takes so long, and
/// no two clocks differ by so much.
const RECENT_MS: u64 = 120_000;

/// Whether a pending change is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleState {
    Done,
    /// The deadline came before the work was done.
    Unfinished,
    /// Everything that can be seen is done. DynamoDB may show something more of it within the next seconds.
    Waiting,
}

/// The completion of one pending change.
#[derive(Clone, Copy)]
pub(crate) struct SettleTask<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) id: &'a ResourceId,
    pub(crate) item: &'a PendingItem,
    /// No call is started after this.
    pub(crate) deadline: Instant,
}

impl SettleTask<'_> {
    pub(crate) fn is_past_deadline(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// A large change of a group's members that is not applied to all of its edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingChange {
    pub(super) group: ResourceId,
    pub(super) id: ResourceId,
    /// The number of its chunks.
    pub(super) chunks: usize,
}

/// The changes whose edges are not all applied. Unless they are empty, they have to be read before the edges that
/// they complement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingChanges {
    /// Deleted resources that may still have edges.
    deleted: BTreeSet<ResourceId>,
    pub(super) changes: Vec<PendingChange>,
    /// Whether a large change was applied a moment ago.
    is_recent: bool,
}

impl PendingChanges {
    /// Whether the member is deleted, so that an edge to it has to be ignored.
    pub fn hides(&self, member: &ResourceId) -> bool {
        self.deleted.contains(member)
    }

    /// Whether any resource is deleted and may still have edges.
    pub fn hide_any(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// Whether edges that were read at the same time are complete.
    pub(super) fn has_no_recent_change(&self) -> bool {
        self.changes.is_empty() && !self.is_recent
    }
}

impl Directory {
    /// Whether a group has this change as pending, and no pending item by which a caller would complete it. DynamoDB may
    /// show the one before the other, so that a transaction reads both.
    ///
    /// # Errors
    /// The errors of a read: `Contended`, `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn is_stranded(&self, tenant: &Tenant, group: &ResourceId, change: &ResourceId) -> Result<bool, Error> {
        let keys = [Key::resource(tenant, Kind::Group, group), Key::pending_changes(tenant, group)];
        let mut items = self.read_together(&keys).await?.into_iter();
        let stored = items.next().flatten().map(|item| item::stored(Kind::Group, item)).transpose()?;
        let pending = stored.and_then(|stored| stored.member_summary.pending);
        Ok(pending.as_ref() == Some(change) && items.next().flatten().is_none())
    }

    /// Reads the pending changes of a tenant.
    ///
    /// # Errors
    /// The errors of a read: `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn pending_changes(&self, tenant: &Tenant) -> Result<PendingChanges, Error> {
        let mut pending_changes = PendingChanges::default();
        for item in self.query(CollectionQuery::all(key::pending_changes(tenant)), None).await? {
            if item::text(&item, SK)? == key::LAST_SETTLED {
                let LastSettledItem { settled_at_ms } = item::body(item)?;
                pending_changes.is_recent = now_ms().saturating_sub(settled_at_ms) < RECENT_MS;
                continue;
            }
            let Ok(id) = item::id(item::text(&item, SK)?) else {
                // Another version of this service has written it. The pending changes are those with an id.
                tracing::warn!("an item among the pending changes is unknown to this version");
                continue;
            };
            let PendingItem { deleted, change, chunks, .. } = item::body(item)?;
            match change {
                Some(change) if !deleted => {
                    pending_changes.changes.push(PendingChange { group: id, id: item::id(&change)?, chunks });
                }
                _ => {
                    pending_changes.deleted.insert(id);
                }
            }
        }
        Ok(pending_changes)
    }
}
