//! The change record of a commit, and the item that marks the commit as pending.

use schema::ResourceId;

use super::plan::PlanBuilder;
use super::request::{CommitState, ResourceWrite};
use crate::change_record::{ChangeItem, LeftGroupRecord};
use crate::item::PendingItem;
use crate::key::Key;
use crate::transaction::action::ConditionFailure;
use crate::{Error, GroupVersion, Member};

/// The number of groups that a pending delete names, at most. All readers of groups read pending items, so they stay
/// small.
const GROUPS_PER_PENDING_ITEM: usize = 100;

impl PlanBuilder<'_> {
    /// Marks the commit as pending, so that readers take it into account and
    /// [`Directory::settle`](crate::Directory::settle) completes it.
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
            empty_at: None,
        };
        self.put(&Key::pending_changes(self.tenant, &self.commit.id), &item, None, ConditionFailure::Unexpected)
    }

    pub(super) fn change_record(&mut self, state: CommitState) -> Result<(), Error> {
        let commit = self.commit;
        let (change_type, before, after) = match commit.write {
            ResourceWrite::Create { .. } => ("created", None, Some(1)),
            ResourceWrite::Update { expected, .. } => ("updated", Some(expected), Some(expected + 1)),
            ResourceWrite::Delete { expected, .. } => ("deleted", Some(expected), None),
        };
        let ids = |members: &'_ [Member]| members.iter().map(|member| member.id.to_string()).collect();
        let is_complete = state == CommitState::Complete;
        let is_delete = matches!(commit.write, ResourceWrite::Delete { .. });
        let exits = commit.group_exits.iter().filter(|_| is_complete);
        let change = &commit.change;
        let id = commit.id.as_str();
        let record = ChangeItem {
            attributes: &change.attributes,
            version_before: before,
            version_after: after,
            members_added: if is_complete { ids(&self.edges.add) } else { Vec::new() },
            members_removed: if is_complete && !is_delete { ids(&self.edges.remove) } else { Vec::new() },
            members_updated: if is_complete { ids(&self.edges.update) } else { Vec::new() },
            is_chunked: self.is_large,
            groups_left: exits.map(left_group).collect(),
            active: change.active,
            previous_at: change.previous_at.as_deref(),
            ..ChangeItem::new(&self.caller.token, commit.kind, id, change_type, &change.at, self.record_expires)
        };
        self.push(record.put(self.table, self.tenant, &change.id))
    }
}

fn left_group(exit: &GroupVersion) -> LeftGroupRecord<'_> {
    LeftGroupRecord { id: exit.group.as_str(), version: exit.version + 1, previous_at: &exit.last_modified }
}
