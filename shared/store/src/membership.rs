//! The edges of a commit: members that a group gains, changes and loses, and groups that a deleted member leaves.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::action::{self, ABSENT, Action, Meaning, PRESENT, number};
use crate::item::{Item, MemberItem, MemberOfItem};
use crate::key::Key;
use crate::plan::{Change, Plan};
use crate::{Commit, Error, ITEMS_PER_COMMIT, Member};

impl<'a> Plan<'a> {
    /// Edges that a group gains, changes and loses. The group's version guards them; their own conditions keep the
    /// member count right even if the caller misread them.
    pub(crate) fn membership(&mut self) -> Result<Change<'a>, Error> {
        if !self.commit.leave.is_empty() {
            return Err(Error::Refused("only a delete leaves groups".to_owned()));
        }
        let (commit, mut change) = (self.commit, Change::default());
        let removed: BTreeSet<_> = commit.remove.iter().collect();
        for (id, member) in members(commit) {
            let edge = MemberItem { kind: member.kind, display: member.display.clone() };
            let key = Key::member(self.tenant, &commit.id, id);
            if removed.contains(id) {
                self.put(&key, &edge, Some(PRESENT), Meaning::Edge)?;
                continue;
            }
            self.put(&key, &edge, Some(ABSENT), Meaning::Edge)?;
            self.put(&Key::member_of(self.tenant, id, &commit.id), &MemberOfItem {}, None, Meaning::Invariant)?;
            if *id != commit.id {
                let key = Key::resource(self.tenant, member.kind, id);
                self.push(action::check_present(self.table, &key, Meaning::Member(id.clone())))?;
            }
            change.added.push(id.as_str());
        }
        for id in self.members_to_remove() {
            let key = Key::member(self.tenant, &commit.id, id);
            self.push(action::delete(self.table, &key, Some((PRESENT, Item::new())), Meaning::Edge))?;
            self.erase(&Key::member_of(self.tenant, id, &commit.id))?;
            change.removed.push(id.as_str());
        }
        Ok(change)
    }

    /// Edges that go with a delete, as many as fit beside the change record.
    pub(crate) fn departure(&mut self, stay: &BTreeSet<ResourceId>) -> Result<Change<'a>, Error> {
        let (commit, mut change) = (self.commit, Change::default());
        if !commit.add.is_empty() {
            return Err(Error::Refused("a delete adds no members".to_owned()));
        }
        let groups: BTreeSet<_> = commit.leave.iter().filter(|id| **id != commit.id && !stay.contains(*id)).collect();
        for group in groups {
            if self.actions.len() + 4 > ITEMS_PER_COMMIT {
                break;
            }
            self.actions.extend(leave(self.table, self.tenant, &commit.id, group, &commit.change.at)?);
            change.left.push(group.as_str());
        }
        for id in commit.remove.iter().collect::<BTreeSet<_>>() {
            if self.actions.len() + 3 > ITEMS_PER_COMMIT {
                break;
            }
            self.erase(&Key::member(self.tenant, &commit.id, id))?;
            self.erase(&Key::member_of(self.tenant, id, &commit.id))?;
            change.removed.push(id.as_str());
        }
        Ok(change)
    }

    /// New members; not those that only change.
    pub(crate) fn members_to_add(&self) -> impl Iterator<Item = &'a Member> + use<'a> {
        let commit = self.commit;
        members(commit).into_values().filter(|member| !commit.remove.contains(&member.id))
    }

    pub(crate) fn members_to_remove(&self) -> BTreeSet<&'a ResourceId> {
        let (commit, added) = (self.commit, members(self.commit));
        commit.remove.iter().filter(|id| !added.contains_key(id)).collect()
    }
}

/// What it takes that `member`, which is being or has been deleted, leaves `group`.
pub(crate) fn leave(
    table: &str,
    tenant: &Tenant,
    member: &ResourceId,
    group: &ResourceId,
    at: &str,
) -> Result<[Action; 3], Error> {
    let left = || Meaning::Left(group.clone());
    let next = "SET #version = #version + :one, #memberCount = #memberCount - :one, #lastModified = :at";
    let values = Item::from([("one".to_owned(), number(1)), ("at".to_owned(), S(at.to_owned()))]);
    let present = Some((PRESENT, Item::new()));
    Ok([
        action::delete(table, &Key::member(tenant, group, member), present, left())?,
        action::delete(table, &Key::member_of(tenant, member, group), None, Meaning::Invariant)?,
        action::update(table, &Key::resource(tenant, Kind::Group, group), next, Some(PRESENT), values, left())?,
    ])
}

/// The members to add, each once.
fn members(commit: &Commit) -> BTreeMap<&ResourceId, &Member> {
    commit.add.iter().map(|member| (&member.id, member)).collect()
}
