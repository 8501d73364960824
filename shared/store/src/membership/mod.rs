//! The edges of a commit: members that a group gains, changes and loses, and groups that a deleted member leaves.

pub(crate) mod apply;
mod catch_up;
pub(crate) mod chunk;
mod delete;
pub(crate) mod read;
pub(crate) mod state;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::commit::action::{self, ABSENT, Action, Meaning, PRESENT, number};
use crate::item::{Item, MemberItem, MemberOfItem, member_checksum};
use crate::key::Key;
use crate::{Commit, Error, GroupExit, Member};

/// What a change does to the members of a group. The three have nobody in common, and are in the order of the ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Edges {
    /// Members that come.
    pub(crate) add: Vec<Member>,
    /// Members that stay, with another edge.
    pub(crate) show: Vec<Member>,
    /// Members that go.
    pub(crate) remove: Vec<Member>,
}

impl Edges {
    pub(crate) fn of(commit: &Commit) -> Self {
        let by_id = |members: &[Member]| -> BTreeMap<ResourceId, Member> {
            members.iter().map(|member| (member.id.clone(), member.clone())).collect()
        };
        let (mut added, mut removed) = (by_id(&commit.add), by_id(&commit.remove));
        let stay: BTreeSet<ResourceId> = added.keys().filter(|id| removed.contains_key(*id)).cloned().collect();
        removed.retain(|id, _| !stay.contains(id));
        let show = stay.iter().filter_map(|id| added.remove(id)).collect();
        Self { add: added.into_values().collect(), show, remove: removed.into_values().collect() }
    }

    /// How many members it is about.
    pub(crate) fn len(&self) -> usize {
        self.add.len() + self.show.len() + self.remove.len()
    }

    /// By how much the group's count of members changes.
    pub(crate) fn gain(&self) -> i64 {
        let count = |members: &[Member]| i64::try_from(members.len()).unwrap_or(i64::MAX);
        count(&self.add) - count(&self.remove)
    }

    /// By how much the group's marks change.
    pub(crate) fn checksum(&self) -> i64 {
        let sum =
            |members: &[Member]| -> i64 { members.iter().map(|member| signed(member_checksum(&member.id))).sum() };
        sum(&self.add) - sum(&self.remove)
    }

    /// What it takes: three actions for each member, one for those that stay.
    pub(crate) fn actions(&self, table: &str, tenant: &Tenant, group: &ResourceId) -> Result<Vec<Action>, Error> {
        let mut actions = Vec::with_capacity(self.len() * 3);
        for member in &self.add {
            actions.push(action::put(
                table,
                &Key::member(tenant, group, &member.id),
                &edge(member),
                Some(ABSENT),
                Meaning::Edge,
            )?);
            actions.push(action::put(
                table,
                &Key::member_of(tenant, &member.id, group),
                &MemberOfItem {},
                None,
                Meaning::Invariant,
            )?);
            actions.push(count_group(table, tenant, member, 1)?);
        }
        for member in &self.show {
            let key = Key::member(tenant, group, &member.id);
            actions.push(action::put(table, &key, &edge(member), Some(PRESENT), Meaning::Edge)?);
        }
        for member in &self.remove {
            actions.extend(cut(table, tenant, group, &member.id)?);
            actions.push(count_group(table, tenant, member, -1)?);
        }
        Ok(actions)
    }
}

/// The edges between a group and its member, which have to be there.
pub(crate) fn cut(table: &str, tenant: &Tenant, group: &ResourceId, member: &ResourceId) -> Result<[Action; 2], Error> {
    let present = Some((PRESENT, Item::new()));
    Ok([
        action::delete(table, &Key::member(tenant, group, member), present, Meaning::Edge)?,
        action::delete(table, &Key::member_of(tenant, member, group), None, Meaning::Invariant)?,
    ])
}

/// Who is a member of a group has it in its own count, so that a delete knows whether it has seen all of its groups.
fn count_group(table: &str, tenant: &Tenant, member: &Member, by: i8) -> Result<Action, Error> {
    let key = Key::resource(tenant, member.kind, &member.id);
    let values = Item::from([("by".to_owned(), number(by))]);
    action::update(table, &key, "ADD #groupCount :by", Some(PRESENT), values, Meaning::Member(member.id.clone()))
}

/// What it takes that `member`, which is being or has been deleted, leaves a group.
pub(crate) fn leave(
    table: &str,
    tenant: &Tenant,
    member: &ResourceId,
    from: &GroupExit,
    at: &str,
) -> Result<[Action; 3], Error> {
    let [edge, back] = cut(table, tenant, &from.group, member)?;
    let next = "SET #version = :next, #memberCount = #memberCount - :one, #memberMarks = #memberMarks - :mark, #lastModified = :at";
    let values = Item::from([
        ("next".to_owned(), number(from.version + 1)),
        ("expected".to_owned(), number(from.version)),
        ("one".to_owned(), number(1)),
        ("mark".to_owned(), number(member_checksum(member))),
        ("at".to_owned(), S(at.to_owned())),
    ]);
    let group = Key::resource(tenant, Kind::Group, &from.group);
    Ok([edge, back, action::update(table, &group, next, Some(SETTLED), values, Meaning::Edge)?])
}

/// The group has the version that was read, and no change that is still to be applied.
pub(crate) const SETTLED: &str = "#version = :expected AND attribute_not_exists(#pending)";

pub(crate) fn edge(member: &Member) -> MemberItem {
    MemberItem { kind: member.kind, display: member.display.clone() }
}

fn signed(member_checksum: u64) -> i64 {
    i64::try_from(member_checksum).unwrap_or_default()
}
