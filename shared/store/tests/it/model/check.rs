//! The properties that a history has to have.

use std::collections::{BTreeMap, HashMap};

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use schema::{Kind, ResourceId};

use super::history::History;
use super::writer::{Ids, Operation, OperationKind};
use crate::engine::Site;

impl History {
    /// The versions of each resource have no gap. Only non-members are added and only members are removed.
    pub(super) fn check_versions(&self) {
        for (id, changes) in &self.changes {
            let mut members = Ids::new();
            for (at, change) in changes.iter().enumerate() {
                assert_eq!(change.before, at as u64, "{id}: {change:?}");
                assert_eq!(change.after, (at + 1 < changes.len() || change.after.is_some()).then_some(at as u64 + 1));
                assert!(change.removed.iter().all(|id| members.remove(id)), "{id}: a change removes only members");
                assert!(
                    change.added.iter().all(|id| members.insert(id.clone())),
                    "{id}: a change adds only non-members"
                );
            }
        }
    }

    /// Each response is true of a version that is not older than the request: the version in the response, or an
    /// earlier one, because a response may include later changes by other writers.
    pub(super) fn check_responses(&self) {
        let deletes = self.deletes();
        for operation in &self.operations {
            let is_gone = |id: &ResourceId| deletes.get(id).is_some_and(|delete| delete.begun < operation.ended);
            if let OperationKind::RefusedReplace(wanted) = &operation.asked {
                assert!(!wanted.is_empty() && wanted.iter().all(is_gone), "some members existed: {operation:?}");
                continue;
            }
            if operation.asked == OperationKind::UnknownDelete {
                continue;
            }
            let changes = self.changes.get(&operation.id).expect("every confirmed operation has a record");
            let Some(version) = operation.version else {
                assert!(changes.last().is_some_and(|last| last.after.is_none()), "{operation:?}");
                continue;
            };
            assert!(changes.iter().any(|change| change.after == Some(version)), "{operation:?}");
            let there = |wanted: &Ids, members: &Ids| wanted.iter().all(|id| members.contains(id) || is_gone(id));
            let is_so = |members: &Ids| match &operation.asked {
                OperationKind::CreateGroup(wanted) | OperationKind::Replace(wanted) => {
                    there(wanted, members) && members.is_subset(wanted)
                }
                OperationKind::Change { add, remove } => there(add, members) && members.is_disjoint(remove),
                _ => true,
            };
            let mut versions = self.members(&operation.id);
            versions.retain(|at, _| (self.known_before(operation)..=version).contains(at));
            let is_user = changes[0].kind == Kind::User;
            assert!(is_user || versions.values().any(is_so), "lost: {operation:?}");
        }
    }

    /// The newest version of the resource in any response that came before the operation began.
    fn known_before(&self, operation: &Operation) -> u64 {
        let before = self.operations.iter().filter(|it| it.id == operation.id && it.ended < operation.begun);
        before.filter_map(|it| it.version).max().unwrap_or_default()
    }

    /// Each read returned the members of the version in its response, except deleted ones, and no outdated version.
    pub(super) fn check_reads(&self) {
        let deletes = self.deletes();
        let mut reads = 0;
        for read in &self.operations {
            let OperationKind::Read(seen) = &read.asked else { continue };
            let version = read.version.expect("a version");
            let members = self.members(&read.id).remove(&version).expect("the response has a version of the history");
            assert!(seen.is_subset(&members), "the read shows only members of its version: {read:?}");
            let mut unseen = members.difference(seen);
            let hidden = |id: &ResourceId| deletes.get(id).is_some_and(|delete| delete.begun < read.ended);
            assert_eq!(
                unseen.find(|id| !hidden(id)),
                None,
                "the read shows every member that is not deleted: {read:?}"
            );
            let is_deleted =
                |delete: &&Operation| delete.asked == OperationKind::DeleteUser && delete.ended < read.begun;
            let deleted = seen.iter().find(|id| deletes.get(*id).is_some_and(is_deleted));
            assert_eq!(deleted, None, "the read shows no deleted member: {read:?}");
            assert!(self.known_before(read) <= version, "the read returns no outdated version: {read:?}");
            reads += 1;
        }
        println!("model: {reads} reads are each of one version");
        assert!(reads > 0);
    }

    /// There is an order of all changes that agrees with the versions of each resource, with the existence of
    /// members, and with time.
    pub(super) fn check_order(&self) {
        let mut graph: DiGraph<(), ()> = DiGraph::new();
        let mut nodes: HashMap<&ResourceId, NodeIndex> = HashMap::new();
        for change in self.changes.values().flatten() {
            nodes.entry(&change.record).or_insert_with(|| graph.add_node(()));
        }
        for changes in self.changes.values() {
            for pair in changes.windows(2) {
                graph.add_edge(nodes[&pair[0].record], nodes[&pair[1].record], ());
            }
        }
        for change in self.changes.values().flatten() {
            for user in &change.added {
                let life = &self.changes[user];
                graph.add_edge(nodes[&life[0].record], nodes[&change.record], ());
                let end = life.last().filter(|last| last.after.is_none() && !change.is_large);
                if let Some(end) = end {
                    graph.add_edge(nodes[&change.record], nodes[&end.record], ());
                }
            }
        }
        self.add_time(&mut graph, &nodes);
        let order = toposort(&graph, None);
        assert!(order.is_ok(), "a serial order of the changes exists");
        println!("model: a serial order of {} changes exists", nodes.len());
    }

    /// An operation whose response came before another operation began precedes it.
    fn add_time(&self, graph: &mut DiGraph<(), ()>, nodes: &HashMap<&ResourceId, NodeIndex>) {
        let mut moments = BTreeMap::new();
        for operation in &self.operations {
            if matches!(operation.asked, OperationKind::RefusedReplace(_) | OperationKind::UnknownDelete) {
                continue;
            }
            let changes = &self.changes[&operation.id];
            let Some(change) = changes.iter().find(|change| change.after == operation.version) else { continue };
            moments.entry(operation.ended).or_insert_with(Vec::new).push((nodes[&change.record], true));
            // The version of any other response may be older than the request: that of a read or of a change
            // without effect.
            if matches!(
                operation.asked,
                OperationKind::CreateUser
                    | OperationKind::CreateGroup(_)
                    | OperationKind::DeleteUser
                    | OperationKind::DeleteGroup
            ) {
                moments.entry(operation.begun).or_insert_with(Vec::new).push((nodes[&change.record], false));
            }
        }
        let mut last = graph.add_node(());
        for (node, is_end) in moments.into_values().flatten() {
            let now = graph.add_node(());
            graph.add_edge(last, now, ());
            if is_end {
                graph.add_edge(node, now, ());
            } else {
                graph.add_edge(now, node, ());
            }
            last = now;
        }
    }

    /// The directory is the result of the changes, and its edges agree in both directions.
    pub(super) async fn check_end(&self, site: &Site) {
        let mut groups_of: BTreeMap<ResourceId, Ids> = BTreeMap::new();
        let mut alive: HashMap<Kind, u64> = HashMap::new();
        for (id, changes) in &self.changes {
            let last = changes.last().expect("a change");
            assert_eq!(site.version(last.kind, id).await, last.after, "{id}");
            *alive.entry(last.kind).or_default() += u64::from(last.after.is_some());
            if last.kind == Kind::Group {
                let edges: Ids = site.member_ids(id).await.into_iter().collect();
                let members = last.after.and_then(|version| self.members(id).remove(&version)).unwrap_or_default();
                assert_eq!(edges, members, "{id}");
                for member in members {
                    groups_of.entry(member).or_default().insert(id.clone());
                }
            }
        }
        for (id, changes) in self.changes.iter().filter(|(_, changes)| changes[0].kind == Kind::User) {
            let seen: Ids = site.groups_of(id).await.into_iter().collect();
            assert_eq!(seen, groups_of.remove(id).unwrap_or_default(), "{id}: {changes:?}");
        }
        assert!(groups_of.is_empty(), "every member is a user that exists");
        for kind in Kind::ALL {
            let count = site.directory.count(&site.caller.tenant, kind).await;
            assert_eq!(count, Ok(alive.get(&kind).copied().unwrap_or_default()));
        }
    }

    /// The first delete of each user that has happened or may have.
    fn deletes(&self) -> HashMap<&ResourceId, &Operation> {
        let mut first = HashMap::new();
        for delete in self
            .operations
            .iter()
            .filter(|it| [OperationKind::DeleteUser, OperationKind::UnknownDelete].contains(&it.asked))
        {
            let known = first.entry(&delete.id).or_insert(delete);
            if delete.begun < known.begun {
                *known = delete;
            }
        }
        first
    }
}
