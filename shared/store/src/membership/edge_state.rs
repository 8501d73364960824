//! The part of a change of members that can still be applied, given the membership items and members that exist now.

use std::collections::{BTreeSet, HashMap};

use schema::{Kind, ResourceId};

use super::edge_changes::EdgeChanges;
use super::member::Member;

/// The part of a change that can still be applied.
pub(super) struct EdgeState {
    pub(super) edges: EdgeChanges,
    /// Members to add that have an edge already. The change counts them a second time if the edge of an earlier change
    /// was not visible yet when the change was planned. They stay members, with the edge of this change.
    present: BTreeSet<ResourceId>,
    /// Members to remove that are deleted themselves.
    pub(super) orphans: BTreeSet<ResourceId>,
}

impl EdgeState {
    pub(super) fn of(edges: &EdgeChanges, present: &BTreeSet<ResourceId>, kinds: &HashMap<ResourceId, Kind>) -> Self {
        let select = |members: &[Member], wanted: &dyn Fn(&ResourceId) -> bool| -> Vec<Member> {
            members.iter().filter(|member| wanted(&member.id)).cloned().collect()
        };
        let exists = |id: &ResourceId| kinds.contains_key(id);
        let orphans = select(&edges.remove, &|id| present.contains(id) && !exists(id));
        let again = select(&edges.add, &|id| present.contains(id));
        let present_to_add = again.iter().map(|member| member.id.clone()).collect();
        Self {
            edges: EdgeChanges {
                add: select(&edges.add, &|id| !present.contains(id) && exists(id)),
                update: [select(&edges.update, &|id| present.contains(id)), again].concat(),
                remove: select(&edges.remove, &|id| present.contains(id) && exists(id)),
            },
            present: present_to_add,
            orphans: orphans.into_iter().map(|member| member.id).collect(),
        }
    }

    /// The members that `edges` adds and the group does not get, because they are deleted.
    pub(super) fn lost<'a>(&'a self, edges: &'a EdgeChanges) -> impl Iterator<Item = &'a Member> {
        let is_added = |id: &ResourceId| self.edges.add.iter().any(|member| member.id == *id);
        edges.add.iter().filter(move |member| !is_added(&member.id) && !self.present.contains(&member.id))
    }
}
