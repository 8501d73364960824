//! A change as the change record stores it: who changed which resource and which attributes, without values except
//! a user's `active`.

use jiff::Timestamp;
use schema::{Kind, ResourceId};

use crate::Tenant;

/// A committed change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A UUID of version 7: later changes have greater ids, as far as the writers' clocks agree.
    pub id: ResourceId,
    pub tenant: Tenant,
    /// The id of the token of the request.
    pub token: String,
    pub kind: Kind,
    pub resource: ResourceId,
    pub change_type: ChangeType,
    /// The names of the attributes that changed.
    pub attributes: Vec<String>,
    /// The version before the change; `None` for a create.
    pub before: Option<u64>,
    /// The version after the change; `None` for a delete.
    pub after: Option<u64>,
    /// The members that a group gained and lost; empty if `is_chunked`.
    pub members: MemberDelta,
    /// Members that stayed, but whose `display` changed; empty if `is_chunked`.
    pub display_updated: Vec<ResourceId>,
    /// Whether the members are stored in chunks apart from this record, because there are too many.
    pub is_chunked: bool,
    /// The groups of which a deleted resource was a member.
    pub group_exits: Vec<GroupExit>,
    /// The new value of a user's `active`, if it changed.
    pub active: Option<bool>,
    pub at: Timestamp,
    /// The time of the version before; `None` for a create, and in old records.
    pub previous_at: Option<Timestamp>,
}

/// The type of a change.
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

/// A change of a group's members, or one chunk of it.
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

/// A group that lost a member because the member was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupExit {
    pub group: ResourceId,
    /// The group's version after it lost the member, if the record has it.
    pub version: Option<u64>,
    /// The time of the group's version before, if the record has it.
    pub previous_at: Option<Timestamp>,
}
