//! A change record in the form for operators.

use protocol::event::{Change, GroupExit, MemberDelta};
use schema::{Kind, ResourceId};
use serde::Serialize;

use crate::clock::rfc3339_ms;

/// One change, in the form for operators.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The id of the change, which is the `txn` of its events.
    pub id: String,
    pub at: String,
    /// The id of the token that requested the change. `TokensList` shows its label.
    pub token: String,
    /// The kind and the type of the change, for example `user.updated`.
    #[serde(rename = "what")]
    pub change_type: String,
    /// The id of the resource that changed.
    pub resource: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_after: Option<u64>,
    /// Whether a user was deactivated (false) or reactivated (true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The members that joined the group. If the query is about another resource than the group, only that one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members_added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members_removed: Vec<String>,
    /// The number of members that joined and left, for a change that is too large to list them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_counted: Option<MemberCounts>,
    /// The groups that a deleted resource left, with their versions after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups_left: Vec<GroupExitRecord>,
}

impl AuditRecord {
    pub(super) fn new(change: Change, members: MemberIds, members_counted: Option<MemberCounts>) -> Self {
        let kind = match change.kind {
            Kind::User => "user",
            Kind::Group => "group",
        };
        Self {
            id: change.id.to_string(),
            at: rfc3339_ms(change.at),
            token: change.token,
            change_type: format!("{kind}.{}", change.change_type.name()),
            resource: change.resource.to_string(),
            attributes: change.attributes,
            version_before: change.before,
            version_after: change.after,
            active: change.active,
            members_added: members.added,
            members_removed: members.removed,
            members_counted,
            groups_left: change.group_exits.into_iter().map(GroupExitRecord::from).collect(),
        }
    }
}

/// A group that a deleted resource left.
#[derive(Debug, Serialize)]
pub struct GroupExitRecord {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl From<GroupExit> for GroupExitRecord {
    fn from(exit: GroupExit) -> Self {
        Self { id: exit.group.to_string(), version: exit.version }
    }
}

/// The number of members that joined and left.
#[derive(Debug, Serialize)]
pub struct MemberCounts {
    pub added: usize,
    pub removed: usize,
}

/// The ids of the members that joined and left a group.
#[derive(Default)]
pub(super) struct MemberIds {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl MemberIds {
    pub(super) fn of(deltas: &[MemberDelta]) -> Self {
        Self {
            added: deltas.iter().flat_map(|delta| &delta.added).map(ToString::to_string).collect(),
            removed: deltas.iter().flat_map(|delta| &delta.removed).map(ToString::to_string).collect(),
        }
    }

    pub(super) fn keep(&mut self, kept: &ResourceId) {
        for ids in [&mut self.added, &mut self.removed] {
            ids.retain(|id| id == kept.as_str());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}
