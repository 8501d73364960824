//! Membership: which resources are members of which groups, changed atomically however many members a change has.
//!
//! Each membership is two items, called edges: one from the group to the member and one back. A small change of
//! members writes its edges in the transaction that commits it. A large one does not fit, so it goes through these
//! states:
//!
//! 1. *Prepared*: its members are written in chunks (`chunk`), which readers ignore.
//! 2. *Pending*: the commit gives the group the change's id as `pending` and puts a pending item. From here on
//!    readers (`read`, `groups`, `pending_moves`) combine the edges with the chunks that are not applied, so that the change is seen
//!    as a whole.
//! 3. *Applied*: one transaction for each chunk writes its edges and marks the chunk as applied (`apply`).
//! 4. *Complete*: the last transaction removes `pending` and the pending item.
//!
//! A delete of a resource with many edges is pending in the same way until its edges are deleted (`delete`). Any
//! caller may complete a pending change, several may do it at once, and each may stop anywhere.

pub(crate) mod apply;
mod catch_up;
pub(crate) mod chunk;
mod delete;
mod edge_state;
mod groups;
mod pending_moves;
pub(crate) mod read;
pub(crate) mod state;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::attributes::{Item, number};
use crate::expression::{ABSENT, PRESENT, UNCHANGED_AND_NOT_PENDING};
use crate::item::{MemberItem, MemberOfItem, member_checksum};
use crate::key::Key;
use crate::record_id::RecordId;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Commit, Error, GroupExit, Member};

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
    pub(crate) fn of(commit: &Commit) -> Self {
        let by_id = |members: &[Member]| -> BTreeMap<ResourceId, Member> {
            members.iter().map(|member| (member.id.clone(), member.clone())).collect()
        };
        let mut added = by_id(&commit.add);
        let mut removed = by_id(&commit.remove);
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
                &edge(member),
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
            actions.push(action::put(table, &key, &edge(member), Some(PRESENT), ConditionFailure::EdgeChanged)?);
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

/// The actions by which `member` leaves a group, because it is being deleted or has been deleted. `record` is the id of
/// the change record that has the group's new version.
pub(crate) fn leave_group_actions(
    table: &str,
    tenant: &Tenant,
    member: &ResourceId,
    exit: &GroupExit,
    at: &str,
    record: &ResourceId,
) -> Result<[WriteAction; 3], Error> {
    let at = at.max(exit.last_modified.as_str());
    let [edge, back_edge] = delete_edge_pair(table, tenant, &exit.group, member)?;
    let set = "SET #version = :next, #memberCount = #memberCount - :one, #memberMarks = #memberMarks - :checksum, \
               #lastModified = :at, #record = :record";
    let values = Item::from([
        ("record".to_owned(), RecordId::of(record).value()),
        ("next".to_owned(), number(exit.version + 1)),
        ("expected".to_owned(), number(exit.version)),
        ("one".to_owned(), number(1)),
        ("checksum".to_owned(), number(member_checksum(member))),
        ("at".to_owned(), S(at.to_owned())),
    ]);
    let key = Key::resource(tenant, Kind::Group, &exit.group);
    let condition = Some(UNCHANGED_AND_NOT_PENDING);
    let group = action::update(table, &key, set, condition, values, ConditionFailure::EdgeChanged)?;
    Ok([edge, back_edge, group])
}

pub(crate) fn edge(member: &Member) -> MemberItem {
    MemberItem { kind: member.kind, display: member.display.clone() }
}

fn signed(member_checksum: u64) -> i64 {
    i64::try_from(member_checksum).unwrap_or_default()
}
