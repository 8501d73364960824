//! What a commit writes down beside the change itself: its record, and what it leaves to do.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Tenant;
use schema::{Kind, ResourceId};
use uuid::Uuid;

use crate::commit::action::{self, ABSENT, Action, Meaning};
use crate::commit::plan::Plan;
use crate::item::{self, ChangeItem, LeftGroup, PendingItem};
use crate::key::{self, Key};
use crate::{CommitState, Directory, Error, Member, Write};

impl Directory {
    /// Until when a record that is made just now is kept, in seconds since 1970.
    pub(crate) fn kept_until(&self) -> u64 {
        now().saturating_add(self.change_retention.as_secs())
    }

    /// The record of what a group loses, or turns out not to have got, by what somebody did elsewhere.
    pub(crate) fn record_of_group(
        &self,
        tenant: &Tenant,
        cause: &PendingItem,
        group: &ResourceId,
        before: u64,
        removed: Vec<String>,
    ) -> Result<Action, Error> {
        let id = item::id(&Uuid::now_v7().to_string())?;
        let item = ChangeItem {
            token: &cause.token,
            what: format!("{}.updated", key::word(Kind::Group)),
            resource_type: Kind::Group,
            id: group.as_str(),
            attributes: &["members".to_owned()],
            version_before: Some(before),
            version_after: Some(before + 1),
            members_added: Vec::new(),
            members_removed: removed,
            members_shown: Vec::new(),
            is_chunked: false,
            groups_left: Vec::new(),
            active: None,
            at: &cause.at,
            expires: self.kept_until(),
        };
        action::put(&self.table, &Key::change(tenant, &id), &item, Some(ABSENT), Meaning::Invariant)
    }
}

impl Plan<'_> {
    /// What is left to do, for whoever comes next.
    pub(crate) fn pending_changes(&mut self, deleted: bool, change: Option<&ResourceId>) -> Result<(), Error> {
        let item = PendingItem {
            kind: self.commit.kind,
            deleted,
            change: change.map(ToString::to_string),
            parts: self.parts.len(),
            token: self.caller.token.clone(),
            at: self.commit.change.at.clone(),
        };
        self.put(&Key::pending_changes(self.tenant, &self.commit.id), &item, None, Meaning::Invariant)
    }

    pub(crate) fn record(&mut self, committed: CommitState) -> Result<(), Error> {
        let commit = self.commit;
        let (verb, before, after) = match commit.write {
            Write::Create { .. } => ("created", None, Some(1)),
            Write::Update { expected, .. } => ("updated", Some(expected), Some(expected + 1)),
            Write::Delete { expected, .. } => ("deleted", Some(expected), None),
        };
        let ids = |members: &'_ [Member]| members.iter().map(|member| member.id.to_string()).collect();
        let (is_whole, departs) = (committed == CommitState::Complete, matches!(commit.write, Write::Delete { .. }));
        let left = commit.leave.iter().filter(|_| is_whole);
        let item = ChangeItem {
            token: &self.caller.token,
            what: format!("{}.{verb}", key::word(commit.kind)),
            resource_type: commit.kind,
            id: commit.id.as_str(),
            attributes: &commit.change.attributes,
            version_before: before,
            version_after: after,
            members_added: if is_whole { ids(&self.edges.add) } else { Vec::new() },
            members_removed: if is_whole && !departs { ids(&self.edges.remove) } else { Vec::new() },
            members_shown: if is_whole { ids(&self.edges.show) } else { Vec::new() },
            is_chunked: self.is_large,
            groups_left: left.map(|from| LeftGroup { id: from.group.as_str(), version: from.version + 1 }).collect(),
            active: commit.change.active,
            at: &commit.change.at,
            expires: self.expires,
        };
        self.put(&Key::change(self.tenant, &commit.change.id), &item, Some(ABSENT), Meaning::Invariant)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    now_in_milliseconds() / 1000
}

pub(crate) fn now_in_milliseconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
