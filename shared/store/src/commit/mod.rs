//! The write of resources: a [`Commit`] describes a whole change, and one transaction applies all of it or nothing.

mod limits;
pub(crate) mod plan;
pub(crate) mod record;

use protocol::Caller;
use schema::{Kind, Object, ResourceId};

use self::plan::CommitPlan;
use crate::membership::EdgeChanges;
use crate::transaction::transact::TransactError;
use crate::{Directory, Error, Index, Member, MemberSummary, SettleState, Stored, StoredKeys};

/// DynamoDB's limit of items in one transaction.
pub const ITEMS_PER_COMMIT: usize = 100;
/// The number of members that one commit can add, remove and change together, whatever else it changes.
pub const MEMBER_CHANGES_PER_COMMIT: usize = 30;
/// The number of lookups that a resource may have, so that its delete always fits in one commit.
pub const LOOKUPS_PER_RESOURCE: usize = protocol::limits::LOOKUPS_PER_RESOURCE;
/// The size of a resource's JSON in bytes: DynamoDB's limit of an item, less the item's other attributes.
pub const RESOURCE_BYTES: usize = protocol::limits::RESOURCE_BYTES;

/// A change of one resource, together with the edges that change with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub kind: Kind,
    pub id: ResourceId,
    pub write: Write,
    /// Members that a group gains. A member that is also in `remove` stays, with the kind and the display name
    /// given here.
    pub add: Vec<Member>,
    /// Members that a group loses.
    pub remove: Vec<Member>,
    /// For a delete: the groups that lose this member.
    pub group_exits: Vec<GroupExit>,
    pub change: ChangeRecord,
}

impl Commit {
    /// The resource after this commit, if it was `before`.
    #[must_use]
    pub fn outcome(&self, before: Stored, settled: SettleState) -> Stored {
        let edges = EdgeChanges::of(self);
        let (resource, keys) = match &self.write {
            Write::Update { after, .. } | Write::Create { after } => {
                (after.resource.clone(), after.keys.stored.clone())
            }
            Write::Delete { .. } => (before.resource, before.keys),
        };
        let member_summary = MemberSummary {
            count: before.member_summary.count.saturating_add_signed(edges.count_delta()),
            checksum: before.member_summary.checksum.saturating_add_signed(edges.checksum_delta()),
            pending: (settled == SettleState::Unfinished).then(|| self.change.id.clone()),
        };
        Stored {
            version: before.version + 1,
            last_modified: self.change.at.clone(),
            resource,
            member_summary,
            keys,
            ..before
        }
    }
}

/// A group that a deleted member leaves, with the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupExit {
    pub group: ResourceId,
    pub version: u64,
    /// The `lastModified` of that version, which the time of the next one does not precede.
    pub last_modified: String,
}

/// The change of the resource itself. `before` are the keys of the version that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Writes version 1. The unique name has to be free.
    Create { after: Snapshot },
    /// Replaces the version `expected` by the next one.
    Update { expected: u64, before: Keys, after: Snapshot },
    /// Deletes the version `expected`, which is a member of `groups` groups, and frees its unique name.
    Delete { expected: u64, before: Keys, groups: u64, remaining: RemainingEdges },
}

/// The edges of a deleted resource that [`Commit::group_exits`] and [`Commit::remove`] do not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemainingEdges {
    /// The commit names all edges, so it deletes them itself if they fit.
    Absent,
    /// The resource has other edges. [`Directory::settle`] deletes all of them after the commit.
    Present {
        /// The large change of a deleted group that is still pending.
        pending: Option<ResourceId>,
        /// The groups that the resource is a member of.
        groups: Vec<ResourceId>,
    },
}

/// Whether a commit is applied to all of its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    Complete,
    /// Readers see all of the change from now on, and [`Directory::settle`] applies it to the edges.
    Pending,
}

/// A commit whose chunks are written and whose transaction has not been sent.
#[must_use = "a prepared commit has to be sent or aborted"]
pub struct PreparedCommit<'a> {
    caller: &'a Caller,
    commit: &'a Commit,
    plan: CommitPlan,
}

impl PreparedCommit<'_> {
    /// Whether the commit has chunks, which are written already.
    pub fn is_large(&self) -> bool {
        !self.plan.chunks.is_empty()
    }
}

/// A resource without its members, and the values by which it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub resource: Object,
    pub keys: Keys,
}

/// The values by which a resource is found besides its id, each in the form in which values are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The unique name. It is empty for a resource whose name belongs to another one, so that it is not freed.
    pub name: String,
    pub lookups: Vec<(Index, String)>,
    /// The key that version 0.1.0 gave the name, if it is another one. No other resource may have it either.
    pub former_name: Option<String>,
    /// Those that are stored with the resource.
    pub stored: StoredKeys,
}

/// The part of the change record that the caller provides. The commit determines the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// A new UUID of version 7 for each change. Change records are in the order of their ids.
    pub id: ResourceId,
    /// The time as RFC 3339 text. It becomes the resource's `lastModified`, and its `created` if the commit creates
    /// it.
    pub at: String,
    /// The names of the attributes that change, never their values.
    pub attributes: Vec<String>,
    /// The new value of a user's `active`, if it changes.
    pub active: Option<bool>,
    /// The `lastModified` of the version before; `None` for a create.
    pub previous_at: Option<String>,
}

impl Directory {
    /// Commits a change, or changes nothing: [`Directory::prepare`] and [`Directory::send`].
    ///
    /// # Errors
    /// The errors of [`Directory::prepare`] and of [`Directory::send`].
    pub async fn commit(&self, caller: &Caller, commit: &Commit) -> Result<CommitState, Error> {
        self.send(self.prepare(caller, commit, false).await?).await
    }

    /// Lists a large commit as unfinished and writes its chunks. Readers ignore them before the commit. With `in_chunks`,
    /// any change of members is a large one, because the members are too large for one transaction; then no condition of
    /// the commit checks what was read of them.
    ///
    /// # Errors
    /// `TooLarge` (nothing was sent), `Throttled`, `Unavailable`, `Refused`.
    pub async fn prepare<'a>(
        &self,
        caller: &'a Caller,
        commit: &'a Commit,
        in_chunks: bool,
    ) -> Result<PreparedCommit<'a>, Error> {
        let plan = plan::plan_commit(&self.table, caller, commit, self.change_expiry(), in_chunks)?;
        if !plan.chunks.is_empty() {
            self.list_prepared(caller, &commit.id, &commit.change.id).await?;
            self.write_chunks(&caller.tenant, commit, &plan.chunks).await?;
        }
        Ok(PreparedCommit { caller, commit, plan })
    }

    /// Sends a prepared commit, which is applied as a whole or changes nothing. Conflicts with concurrent changes
    /// are retried for a few seconds.
    ///
    /// # Errors
    /// `NameTaken`, `Stale` and `Missing` (of the resource), `MembersNotFound`, `TooLargeTogether`, `Contended`,
    /// `Throttled`, `Refused`, `Corrupt`. After `Unavailable` it is unknown whether the commit was applied.
    pub async fn send(&self, prepared: PreparedCommit<'_>) -> Result<CommitState, Error> {
        match self.transact(&prepared.plan.actions).await {
            Ok(()) | Err(TransactError::AlreadyApplied) => Ok(prepared.plan.state),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => {
                if !matches!(error, Error::Unavailable(_)) {
                    self.abort(prepared).await;
                }
                Err(error)
            }
        }
    }

    /// Deletes the chunks of a prepared commit that is not going to be sent. If that fails, the list of unfinished changes
    /// still has it.
    pub async fn abort(&self, prepared: PreparedCommit<'_>) {
        if !prepared.is_large() {
            return;
        }
        let (tenant, change) = (&prepared.caller.tenant, &prepared.commit.change.id);
        let aborted = async {
            self.delete_chunks(tenant, change).await?;
            self.unlist(change).await
        };
        if let Err(error) = aborted.await {
            tracing::warn!(cause = %error, "failed to delete the chunks of an aborted change; they are deleted later");
        }
    }
}
