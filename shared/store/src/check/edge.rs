//! The examination of a membership: whether the group and the member agree about it.

use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examination::Examination;
use super::new_version::NewVersion;
use super::{Problem, TableCheck};
use crate::attributes::Item;
use crate::item::{self, MemberItem, MemberOfItem, PendingItem, member_checksum};
use crate::key::Key;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, StoredResource};

/// A membership as it is at one moment.
struct EdgePair {
    group: Option<StoredResource>,
    member: Option<StoredResource>,
    /// Whether the group shows the member.
    edge: bool,
    /// Whether the member shows the group.
    back_edge: bool,
    /// Whether the deletion of the group, or of the member, is pending.
    is_group_pending: bool,
    is_member_pending: bool,
}

impl TableCheck<'_> {
    pub(super) async fn examine_edge(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        member: &ResourceId,
    ) -> Result<Examination, Error> {
        let found = self.read_edge_pair(tenant, group, member).await?;
        if !found.edge && !found.back_edge {
            return Ok(Examination::default());
        }
        let (Some(stored), Some(shown)) = (&found.group, &found.member) else {
            let (absent, is_pending) = match found.group {
                None => (group, found.is_group_pending),
                Some(_) => (member, found.is_member_pending),
            };
            if is_pending {
                return Ok(Examination::default());
            }
            if !found.edge || !found.back_edge {
                return self.delete_single_edge(tenant, group, member);
            }
            let actions = self.put_pending_deletion(tenant, absent, None, false)?;
            return Ok(Examination::repairable(Problem::EdgeOfNobody, actions).then_settle(absent));
        };
        if found.edge && found.back_edge {
            return self.examine_member(tenant, shown).await;
        }
        if stored.member_summary.pending.is_some() {
            // Only the completed change determines which membership items there have to be.
            return Ok(Examination::repairable(Problem::EdgeOneWay, []).then_settle(group));
        }
        let actions = self.repair_edge(tenant, stored, member, shown.kind, found.edge).await?;
        Ok(Examination::repairable(Problem::EdgeOneWay, actions))
    }

    /// Examines the count of groups of a member that has at least one group.
    async fn examine_member(&self, tenant: &Tenant, member: &StoredResource) -> Result<Examination, Error> {
        if !self.with_counts || member.group_count > 0 {
            return Ok(Examination::default());
        }
        let examined = self.examine_counts(tenant, member.kind, &member.id).await?;
        Ok(Examination { resource: Some(member.id.clone()), ..examined })
    }

    /// The repair that deletes a single membership item. The other item is deleted, as is the group or the member.
    fn delete_single_edge(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        member: &ResourceId,
    ) -> Result<Examination, Error> {
        let keys = [Key::member(tenant, group, member), Key::member_of(tenant, member, group)];
        let delete = |key| action::delete(&self.directory.table, key, None, ConditionFailure::Unexpected);
        let actions = keys.iter().map(delete).collect::<Result<Vec<_>, _>>()?;
        Ok(Examination::repairable(Problem::EdgeOfNobody, actions))
    }

    async fn read_edge_pair(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        member: &ResourceId,
    ) -> Result<EdgePair, Error> {
        let keys = [
            Key::resource(tenant, Kind::Group, group),
            Key::resource(tenant, Kind::User, member),
            Key::resource(tenant, Kind::Group, member),
            Key::member(tenant, group, member),
            Key::member_of(tenant, member, group),
            Key::pending_changes(tenant, group),
            Key::pending_changes(tenant, member),
        ];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let mut next = || items.next().flatten();
        let is_deleted = |item: Option<Item>| {
            Ok::<_, Error>(item.map(item::body::<PendingItem>).transpose()?.is_some_and(|pending| pending.deleted))
        };
        let group = next().map(|item| item::stored(Kind::Group, item)).transpose()?;
        let user = next().map(|item| item::stored(Kind::User, item)).transpose()?;
        let member = user.or(next().map(|item| item::stored(Kind::Group, item)).transpose()?);
        let edge = next().is_some();
        let back_edge = next().is_some();
        let is_group_pending = is_deleted(next())?;
        let is_member_pending = is_deleted(next())?;
        Ok(EdgePair { group, member, edge, back_edge, is_group_pending, is_member_pending })
    }

    /// The actions that make both sides agree; none if it is uncertain whether the group has the member.
    async fn repair_edge(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        member: &ResourceId,
        kind: Kind,
        is_shown: bool,
    ) -> Result<Vec<WriteAction>, Error> {
        let Some(is_member) = self.determine_membership(tenant, group, member, is_shown).await? else {
            return Ok(Vec::new());
        };
        let table = &self.directory.table;
        let edge = Key::member(tenant, &group.id, member);
        let back_edge = Key::member_of(tenant, member, &group.id);
        let unexpected = || ConditionFailure::Unexpected;
        let mut actions = match (is_member, is_shown) {
            (true, true) => vec![action::put(table, &back_edge, &MemberOfItem {}, None, unexpected())?],
            (true, false) => vec![action::put(table, &edge, &MemberItem { kind, display: None }, None, unexpected())?],
            (false, _) => vec![
                action::delete(table, &edge, None, unexpected())?,
                action::delete(table, &back_edge, None, unexpected())?,
            ],
        };
        let new = NewVersion {
            attributes: vec!["members".to_owned()],
            removed: (!is_member && is_shown).then(|| member.clone()),
            ..NewVersion::default()
        };
        actions.extend(self.new_version_actions(tenant, group, new)?);
        Ok(actions)
    }

    /// Whether a group has a member of which only one membership item exists. The latest change that names the member
    /// decides; if its record has expired, the group's count and checksum of its members decide, unless more than one
    /// item is missing. Returns `None` if neither is certain.
    async fn determine_membership(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        member: &ResourceId,
        is_shown: bool,
    ) -> Result<Option<bool>, Error> {
        if let Some(is_member) = self.directory.latest_membership(tenant, &group.id, member).await? {
            return Ok(Some(is_member));
        }
        let (count, checksum) = self.sum_members(tenant, &group.id).await?;
        let summary = Some((group.member_summary.count, group.member_summary.checksum));
        let share = member_checksum(member);
        let without =
            if is_shown { count.checked_sub(1).zip(checksum.checked_sub(share)) } else { Some((count, checksum)) };
        let with = if is_shown { Some((count, checksum)) } else { Some((count + 1, checksum + share)) };
        Ok(match (with == summary, without == summary) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        })
    }
}
