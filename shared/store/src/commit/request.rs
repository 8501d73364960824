//! A change of a resource, as the caller describes it.

use std::collections::BTreeSet;

use schema::{Kind, Object, ResourceId};

use crate::membership::edge_changes::EdgeChanges;
use crate::{GroupVersion, Index, Member, MemberSummary, SettleState, StoredKeys, StoredResource};

/// A change of one resource, together with the edges that change with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub kind: Kind,
    pub id: ResourceId,
    pub write: ResourceWrite,
    /// Members that a group gains. A member that is also in `remove` stays, with the kind and the display name
    /// given here.
    pub add: Vec<Member>,
    /// Members that a group loses.
    pub remove: Vec<Member>,
    /// For a delete: the groups that lose this member.
    pub group_exits: Vec<GroupVersion>,
    pub change: ChangeRecord,
}

impl Commit {
    /// The resource after this commit, if it was `before`.
    #[must_use]
    pub fn resource_after(&self, before: StoredResource, settled: SettleState) -> StoredResource {
        let edges = EdgeChanges::new(&self.add, &self.remove);
        let (resource, keys) = match &self.write {
            ResourceWrite::Update { after, .. } | ResourceWrite::Create { after } => {
                (after.resource.clone(), after.keys.stored.clone())
            }
            ResourceWrite::Delete { .. } => (before.resource, before.keys),
        };
        let member_summary = MemberSummary {
            count: before.member_summary.count.saturating_add_signed(edges.count_delta()),
            checksum: before.member_summary.checksum.saturating_add_signed(edges.checksum_delta()),
            pending: (settled == SettleState::Unfinished).then(|| self.change.id.clone()),
        };
        StoredResource {
            version: before.version + 1,
            last_modified: self.change.at.clone(),
            resource,
            member_summary,
            keys,
            ..before
        }
    }
}

/// The change of the resource itself. `before` are the keys of the version that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum ResourceWrite {
    /// Writes version 1. The unique name has to be free.
    Create { after: KeyedResource },
    /// Replaces the version `expected` by the next one.
    Update { expected: u64, before: Keys, after: KeyedResource },
    /// Deletes the version `expected`, which is a member of `groups` groups, and frees its unique name.
    Delete { expected: u64, before: Keys, groups: u64, remaining: RemainingEdges },
}

/// The edges of a deleted resource that [`Commit::group_exits`] and [`Commit::remove`] do not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemainingEdges {
    /// The commit names all edges, so it deletes them itself if they fit.
    Absent,
    /// The resource has other edges. [`Directory::settle`](crate::Directory::settle) deletes all of them after the
    /// commit.
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
    /// Readers see all of the change from now on, and [`Directory::settle`](crate::Directory::settle) applies it to the
    /// edges.
    Pending,
}

/// A resource without its members, and the values by which it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedResource {
    pub resource: Object,
    pub keys: Keys,
}

/// The values by which a resource is found besides its id, each in the form in which values are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The unique name. It is empty for a resource whose name belongs to another one, so that it is not freed.
    pub name: String,
    pub lookups: Vec<(Index, String)>,
    /// The key that version 0.1.0 gave the name, if it differs. No other resource may have it either.
    pub former_name: Option<String>,
    /// The keys that are stored with the resource.
    pub stored: StoredKeys,
}

impl Keys {
    /// The lookups without repetitions.
    pub(super) fn distinct_lookups(&self) -> BTreeSet<(Index, &str)> {
        self.lookups.iter().map(|(index, value)| (*index, value.as_str())).collect()
    }
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
