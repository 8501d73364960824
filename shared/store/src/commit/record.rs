//! The change record of a commit, and the item that marks the commit as pending.

use schema::{Kind, ResourceId};
use uuid::Uuid;

use super::plan::PlanBuilder;
use crate::clock::now_seconds;
use crate::expression::ABSENT;
use crate::item::{self, ChangeItem, LeftGroup, PendingItem};
use crate::key::{self, Key};
use crate::membership::state::SettleTask;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{CommitState, Directory, Error, GroupExit, Member, Write};

/// The number of groups that a pending delete names, at most. All readers of groups read pending items, so they stay
/// small.
const GROUPS_PER_PENDING_ITEM: usize = 100;

/// The id of a new change record.
pub(crate) fn new_change_id() -> Result<ResourceId, Error> {
    item::id(&Uuid::now_v7().to_string())
}

impl Directory {
    /// The time until which a record that is written now is kept, in seconds since 1970.
    pub(crate) fn change_expiry(&self) -> u64 {
        now_seconds().saturating_add(self.change_retention.as_secs())
    }

    /// The record of a group that loses members, or does not get them, as a consequence of another change. It has the
    /// time of the cause, from which on a deleted member is not shown; the group's new version is later.
    pub(crate) fn group_change_record(
        &self,
        cause: SettleTask<'_>,
        id: &ResourceId,
        before: &GroupExit,
        removed: Vec<String>,
    ) -> Result<WriteAction, Error> {
        let item = ChangeItem {
            token: &cause.item.token,
            change_type: format!("{}.updated", key::word(Kind::Group)),
            resource_type: Kind::Group,
            id: before.group.as_str(),
            attributes: &["members".to_owned()],
            version_before: Some(before.version),
            version_after: Some(before.version + 1),
            members_added: Vec::new(),
            members_removed: removed,
            members_updated: Vec::new(),
            is_chunked: false,
            groups_left: Vec::new(),
            active: None,
            at: &cause.item.at,
            previous_at: Some(&before.last_modified),
            expires: self.change_expiry(),
        };
        action::put(&self.table, &Key::change(cause.tenant, id), &item, Some(ABSENT), ConditionFailure::Unexpected)
    }
}

impl PlanBuilder<'_> {
    /// Marks the commit as pending, so that readers take it into account and [`Directory::settle`] completes it.
    pub(super) fn pending_item(
        &mut self,
        deleted: bool,
        change: Option<&ResourceId>,
        groups: &[ResourceId],
    ) -> Result<(), Error> {
        let groups = if groups.len() > GROUPS_PER_PENDING_ITEM { &[] } else { groups };
        let item = PendingItem {
            kind: self.commit.kind,
            deleted,
            change: change.map(ToString::to_string),
            chunks: self.chunks.len(),
            groups: groups.iter().map(ToString::to_string).collect(),
            token: self.caller.token.clone(),
            at: self.commit.change.at.clone(),
            is_listed: true,
        };
        self.put(&Key::pending_changes(self.tenant, &self.commit.id), &item, None, ConditionFailure::Unexpected)
    }

    pub(super) fn change_record(&mut self, state: CommitState) -> Result<(), Error> {
        let commit = self.commit;
        let (change_type, before, after) = match commit.write {
            Write::Create { .. } => ("created", None, Some(1)),
            Write::Update { expected, .. } => ("updated", Some(expected), Some(expected + 1)),
            Write::Delete { expected, .. } => ("deleted", Some(expected), None),
        };
        let ids = |members: &'_ [Member]| members.iter().map(|member| member.id.to_string()).collect();
        let is_complete = state == CommitState::Complete;
        let is_delete = matches!(commit.write, Write::Delete { .. });
        let exits = commit.group_exits.iter().filter(|_| is_complete);
        let item = ChangeItem {
            token: &self.caller.token,
            change_type: format!("{}.{change_type}", key::word(commit.kind)),
            resource_type: commit.kind,
            id: commit.id.as_str(),
            attributes: &commit.change.attributes,
            version_before: before,
            version_after: after,
            members_added: if is_complete { ids(&self.edges.add) } else { Vec::new() },
            members_removed: if is_complete && !is_delete { ids(&self.edges.remove) } else { Vec::new() },
            members_updated: if is_complete { ids(&self.edges.update) } else { Vec::new() },
            is_chunked: self.is_large,
            groups_left: exits.map(left_group).collect(),
            active: commit.change.active,
            at: &commit.change.at,
            previous_at: commit.change.previous_at.as_deref(),
            expires: self.record_expires,
        };
        self.put(&Key::change(self.tenant, &commit.change.id), &item, Some(ABSENT), ConditionFailure::Unexpected)
    }
}

fn left_group(exit: &GroupExit) -> LeftGroup<'_> {
    LeftGroup { id: exit.group.as_str(), version: exit.version + 1, previous_at: &exit.last_modified }
}
