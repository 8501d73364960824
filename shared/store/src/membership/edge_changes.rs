//! The changes of a group's members, and the actions that write them to the edges.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Tenant;
use schema::ResourceId;

use super::member::Member;
use crate::Error;
use crate::attributes::{Item, number};
use crate::expression::{ABSENT, PRESENT};
use crate::item::{MemberOfItem, member_checksum};
use crate::key::Key;
use crate::transaction::action::{self, ConditionFailure, WriteAction};

/// The changes of a group's members. No member is in two of the lists, and each is in the order of the ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EdgeChanges {
    /// Members that the group gains.
    pub(crate) add: Vec<Member>,
    /// Members that stay but whose edge changes.
    pub(crate) update: Vec<Member>,
    /// Members that the group loses.
    pub(crate) remove: Vec<Member>,
}

impl EdgeChanges {
    /// The changes of a group that gains the members `add` and loses the members `remove`. A member of both lists
    /// stays.
    pub(crate) fn new(add: &[Member], remove: &[Member]) -> Self {
        let by_id = |members: &[Member]| -> BTreeMap<ResourceId, Member> {
            members.iter().map(|member| (member.id.clone(), member.clone())).collect()
        };
        let mut added = by_id(add);
        let mut removed = by_id(remove);
        let stay: BTreeSet<ResourceId> = added.keys().filter(|id| removed.contains_key(*id)).cloned().collect();
        removed.retain(|id, _| !stay.contains(id));
        let update = stay.iter().filter_map(|id| added.remove(id)).collect();
        Self { add: added.into_values().collect(), update, remove: removed.into_values().collect() }
    }

    /// The number of members that change.
    pub(crate) fn len(&self) -> usize {
        self.add.len() + self.update.len() + self.remove.len()
    }

    /// The difference that the change makes to the group's member count.
    pub(crate) fn count_delta(&self) -> i64 {
        let count = |members: &[Member]| i64::try_from(members.len()).unwrap_or(i64::MAX);
        count(&self.add) - count(&self.remove)
    }

    /// The difference that the change makes to the group's member checksum.
    pub(crate) fn checksum_delta(&self) -> i64 {
        let sum =
            |members: &[Member]| -> i64 { members.iter().map(|member| signed(member_checksum(&member.id))).sum() };
        sum(&self.add) - sum(&self.remove)
    }

    /// The actions of the change: three for each member that is added or removed, one for each whose edge changes.
    pub(crate) fn actions(&self, table: &str, tenant: &Tenant, group: &ResourceId) -> Result<Vec<WriteAction>, Error> {
        let mut actions = Vec::with_capacity(self.len() * 3);
        for member in &self.add {
            actions.push(action::put(
                table,
                &Key::member(tenant, group, &member.id),
                &member.item(),
                Some(ABSENT),
                ConditionFailure::EdgeChanged,
            )?);
            actions.push(action::put(
                table,
                &Key::member_of(tenant, &member.id, group),
                &MemberOfItem {},
                None,
                ConditionFailure::Unexpected,
            )?);
            actions.push(change_group_count(table, tenant, member, 1)?);
        }
        for member in &self.update {
            let key = Key::member(tenant, group, &member.id);
            actions.push(action::put(table, &key, &member.item(), Some(PRESENT), ConditionFailure::EdgeChanged)?);
        }
        for member in &self.remove {
            actions.extend(delete_edge_pair(table, tenant, group, &member.id)?);
            actions.push(change_group_count(table, tenant, member, -1)?);
        }
        Ok(actions)
    }
}

/// The actions that delete the two edges between a group and its member. The edge from the group has to exist.
pub(crate) fn delete_edge_pair(
    table: &str,
    tenant: &Tenant,
    group: &ResourceId,
    member: &ResourceId,
) -> Result<[WriteAction; 2], Error> {
    let present = Some((PRESENT, Item::new()));
    Ok([
        action::delete(table, &Key::member(tenant, group, member), present, ConditionFailure::EdgeChanged)?,
        action::delete(table, &Key::member_of(tenant, member, group), None, ConditionFailure::Unexpected)?,
    ])
}

/// Each member counts its groups, so that a delete can check that it has seen all of them.
fn change_group_count(table: &str, tenant: &Tenant, member: &Member, by: i8) -> Result<WriteAction, Error> {
    let key = Key::resource(tenant, member.kind, &member.id);
    let values = Item::from([("by".to_owned(), number(by))]);
    let on_failure = ConditionFailure::MemberMissing(member.id.clone());
    action::update(table, &key, "ADD #groupCount :by", Some(PRESENT), values, on_failure)
}

fn signed(member_checksum: u64) -> i64 {
    i64::try_from(member_checksum).unwrap_or_default()
}
