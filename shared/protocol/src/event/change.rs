//! A change as its record tells it: who did what to which resource, without a value of anybody's.

use jiff::Timestamp;
use schema::{Kind, ResourceId};

use crate::Tenant;

/// A committed change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A UUID of version 7: later changes have greater ones, as far as the writers' clocks agree.
    pub id: ResourceId,
    pub tenant: Tenant,
    /// The id of the token with which it was asked for.
    pub token: String,
    pub kind: Kind,
    pub resource: ResourceId,
    pub verb: ChangeType,
    /// The names of the attributes that changed.
    pub attributes: Vec<String>,
    /// The version that was changed; none for a create.
    pub before: Option<u64>,
    /// The version that it is now; none for a delete.
    pub after: Option<u64>,
    /// Who joined a group and who left it, unless that is `is_chunked`.
    pub members: MemberDelta,
    /// Members that stayed, and are shown otherwise since, unless that is `is_chunked`.
    pub display_updated: Vec<ResourceId>,
    /// Whether the members are told apart from this record, as they are too many.
    pub is_chunked: bool,
    /// The groups that a deleted resource has left.
    pub left: Vec<GroupExit>,
    /// What a user's `active` is now, if it is no longer what it was.
    pub active: Option<bool>,
    pub at: Timestamp,
}

/// What happened to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    Created,
    Updated,
    Deleted,
}

impl ChangeType {
    pub const ALL: [ChangeType; 3] = [ChangeType::Created, ChangeType::Updated, ChangeType::Deleted];

    pub fn name(self) -> &'static str {
        match self {
            ChangeType::Created => "created",
            ChangeType::Updated => "updated",
            ChangeType::Deleted => "deleted",
        }
    }
}

/// A change of membership, or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberDelta {
    pub added: Vec<ResourceId>,
    pub removed: Vec<ResourceId>,
}

impl MemberDelta {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// A group that lost its member by the member's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupExit {
    pub group: ResourceId,
    /// The group's version since then, if it was told.
    pub version: Option<u64>,
}
