//! Planning a commit: the actions of its transaction with their conditions, within DynamoDB's limits.

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::{Caller, Tenant};
use schema::Kind;

use super::limits::{
    ITEMS_PER_COMMIT, MEMBER_CHANGES_PER_COMMIT, check_plan, check_resource, resource_json, storable_keys,
};
use super::request::{ChangeRecord, Commit, CommitState, KeyedResource, Keys, RemainingEdges, ResourceWrite};
use crate::attributes::{Item, number};
use crate::expression::{ABSENT, UNCHANGED_AND_NOT_PENDING};
use crate::item::{OwnerItem, ResourceItem};
use crate::key::Key;
use crate::membership::edge_changes::EdgeChanges;
use crate::membership::group_version::leave_group_actions;
use crate::membership::split::split_into_chunks;
use crate::record_id::RecordId;
use crate::stored_keys::StoredKeys;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, format, unfinished};

/// The writes of a commit.
pub(crate) struct CommitPlan {
    pub(crate) actions: Vec<WriteAction>,
    /// The chunks that have to be written before the transaction is sent.
    pub(crate) chunks: Vec<EdgeChanges>,
    /// The state in which the transaction leaves the change.
    pub(crate) state: CommitState,
}

/// Plans a commit. Its change record expires at `record_expires`, in seconds since 1970. With `in_chunks`, a change of
/// members is a large one even if one transaction could have as many actions.
///
/// # Errors
/// `TooLarge` and `Refused`.
pub(crate) fn plan_commit(
    table: &str,
    caller: &Caller,
    commit: &Commit,
    record_expires: u64,
    in_chunks: bool,
) -> Result<CommitPlan, Error> {
    let edges = EdgeChanges::new(&commit.add, &commit.remove);
    let is_many = edges.len() > if in_chunks { 0 } else { MEMBER_CHANGES_PER_COMMIT };
    let is_large = is_many && !matches!(commit.write, ResourceWrite::Delete { .. });
    let chunks = if is_large { split_into_chunks(&edges) } else { Vec::new() };
    let tenant = &caller.tenant;
    let actions = Vec::new();
    let mut plan = PlanBuilder { table, caller, tenant, commit, edges, is_large, chunks, record_expires, actions };
    let state = match &commit.write {
        ResourceWrite::Create { after } => {
            check_resource(commit, after)?;
            plan.create(after)?;
            plan.keys(None, Some(&after.keys))?;
            plan.count(1)?;
            plan.member_edges()?
        }
        ResourceWrite::Update { expected, before, after } => {
            check_resource(commit, after)?;
            plan.update(*expected, after)?;
            plan.keys(Some(before), Some(&after.keys))?;
            plan.member_edges()?
        }
        ResourceWrite::Delete { expected, before, groups, remaining } => {
            plan.delete(*expected, *groups)?;
            plan.keys(Some(before), None)?;
            plan.count(-1)?;
            plan.delete_edges(remaining)?
        }
    };
    plan.change_record(state)?;
    check_plan(commit.kind, &plan.actions, &plan.chunks)?;
    Ok(CommitPlan { actions: plan.actions, chunks: plan.chunks, state })
}

/// A plan under construction.
pub(super) struct PlanBuilder<'a> {
    pub(super) table: &'a str,
    pub(super) caller: &'a Caller,
    pub(super) tenant: &'a Tenant,
    pub(super) commit: &'a Commit,
    pub(super) edges: EdgeChanges,
    /// Whether more members change than one transaction holds.
    pub(super) is_large: bool,
    /// The chunks of a large change, each for one transaction. Empty unless `is_large`.
    pub(super) chunks: Vec<EdgeChanges>,
    /// The time when the change record expires, in seconds since 1970.
    pub(super) record_expires: u64,
    pub(super) actions: Vec<WriteAction>,
}

impl PlanBuilder<'_> {
    fn create(&mut self, after: &KeyedResource) -> Result<(), Error> {
        let commit = self.commit;
        let resource = resource_json(after)?;
        let item = ResourceItem {
            keys: storable_keys(after, &resource),
            resource,
            version: 1,
            created: commit.change.at.clone(),
            last_modified: commit.change.at.clone(),
            member_count: (commit.kind == Kind::Group).then(|| self.edges.count_delta()),
            member_checksum: (commit.kind == Kind::Group).then(|| self.edges.checksum_delta()),
            pending: self.is_large.then(|| commit.change.id.to_string()),
            record: RecordId::of(&commit.change.id),
            group_count: 0,
        };
        self.put(&self.resource_key(), &item, Some(ABSENT), ConditionFailure::ResourceChanged)
    }

    fn update(&mut self, expected: u64, after: &KeyedResource) -> Result<(), Error> {
        let mut set =
            "SET #resource = :resource, #version = :next, #lastModified = :at, #record = :record, #format = :format"
                .to_owned();
        let resource = resource_json(after)?;
        let keys = storable_keys(after, &resource);
        let mut values = Item::from([
            ("resource".to_owned(), S(resource)),
            ("format".to_owned(), format::value()),
            ("next".to_owned(), number(expected + 1)),
            ("at".to_owned(), S(self.commit.change.at.clone())),
            ("record".to_owned(), RecordId::of(&self.commit.change.id).value()),
            ("expected".to_owned(), number(expected)),
        ]);
        if self.edges.len() > 0 {
            set.push_str(", #memberCount = #memberCount + :countDelta, #memberMarks = #memberMarks + :checksumDelta");
            values.insert("countDelta".to_owned(), number(self.edges.count_delta()));
            values.insert("checksumDelta".to_owned(), number(self.edges.checksum_delta()));
        }
        if self.is_large {
            set.push_str(", #pending = :pending");
            values.insert("pending".to_owned(), S(self.commit.change.id.to_string()));
        }
        if keys.is_empty() {
            set.push_str(" REMOVE #keys");
        } else {
            set.push_str(", #keys = :keys");
            values.insert(StoredKeys::ATTRIBUTE.to_owned(), keys.value()?);
        }
        let key = self.resource_key();
        self.push(action::update(
            self.table,
            &key,
            &set,
            Some(UNCHANGED_AND_NOT_PENDING),
            values,
            ConditionFailure::ResourceChanged,
        ))
    }

    /// The condition on the number of groups fails if the resource became a member of a group after its groups were
    /// read.
    fn delete(&mut self, expected: u64, groups: u64) -> Result<(), Error> {
        let condition = match groups {
            // In a table that was restored to the middle of a commit, the count may be negative.
            0 => "#version = :expected AND (attribute_not_exists(#groupCount) OR #groupCount <= :groups)",
            _ => "#version = :expected AND #groupCount = :groups",
        };
        let values = [("expected".to_owned(), number(expected)), ("groups".to_owned(), number(groups))];
        let condition = Some((condition, Item::from(values)));
        self.push(action::delete(self.table, &self.resource_key(), condition, ConditionFailure::ResourceChanged))
    }

    /// Writes the unique name and the lookups: it puts new ones, deletes old ones and does not write unchanged
    /// ones.
    fn keys(&mut self, before: Option<&Keys>, after: Option<&Keys>) -> Result<(), Error> {
        let owner = OwnerItem { owner: self.commit.id.to_string() };
        self.name(&owner, before, after)?;
        let old = before.map(Keys::distinct_lookups).unwrap_or_default();
        let new = after.map(Keys::distinct_lookups).unwrap_or_default();
        for (index, value) in old.difference(&new) {
            self.delete_unconditionally(&Key::lookup(self.tenant, *index, value, &self.commit.id))?;
        }
        for (index, value) in new.difference(&old) {
            self.put(
                &Key::lookup(self.tenant, *index, value, &self.commit.id),
                &owner,
                None,
                ConditionFailure::Unexpected,
            )?;
        }
        Ok(())
    }

    /// Writes the unique name, if it changes: it deletes the old one and puts the new one.
    fn name(&mut self, owner: &OwnerItem, before: Option<&Keys>, after: Option<&Keys>) -> Result<(), Error> {
        let kind = self.commit.kind;
        let old = before.map(|keys| &keys.name);
        let new = after.map(|keys| &keys.name);
        if let Some(name) = old.filter(|name| old != new && !name.is_empty()) {
            // A table that was restored to the middle of a commit may lack the item.
            let condition = "attribute_not_exists(pk) OR #owner = :owner";
            let is_owner = (condition, Item::from([("owner".to_owned(), S(owner.owner.clone()))]));
            self.push(action::delete(
                self.table,
                &Key::name(self.tenant, kind, name),
                Some(is_owner),
                ConditionFailure::OldNameLost,
            ))?;
        }
        if let Some(name) = new.filter(|_| old != new) {
            self.put(&Key::name(self.tenant, kind, name), owner, Some(ABSENT), ConditionFailure::NameTaken)?;
            let former = after.and_then(|keys| keys.former_name.as_ref());
            if let Some(former) = former.filter(|former| old != Some(former)) {
                // This deletes nothing: its condition is that no resource has the key.
                let key = Key::name(self.tenant, kind, former);
                let absent = Some((ABSENT, Item::new()));
                self.push(action::delete(self.table, &key, absent, ConditionFailure::NameTaken))?;
            }
        }
        Ok(())
    }

    fn count(&mut self, by: i8) -> Result<(), Error> {
        let key = Key::count(self.tenant, self.commit.kind, &self.commit.id);
        self.push(action::count(self.table, &key, by))
    }

    /// Adds the actions of the edges that a group gains, changes and loses. The condition on the group's version
    /// protects them. Their own conditions keep the member count correct even if the caller misread the edges.
    fn member_edges(&mut self) -> Result<CommitState, Error> {
        if !self.commit.group_exits.is_empty() {
            return Err(Error::Refused("only a delete leaves groups".to_owned()));
        }
        if self.is_large {
            self.pending_item(false, Some(&self.commit.change.id), &[])?;
            self.push(unfinished::mark_committed(self.table, &self.commit.change.id))?;
            return Ok(CommitState::Pending);
        }
        let actions = self.edges.actions(self.table, self.tenant, &self.commit.id)?;
        self.actions.extend(actions);
        Ok(CommitState::Complete)
    }

    /// Adds the actions that delete all edges of a deleted resource, or leaves all of them to
    /// [`crate::Directory::settle`] if they do not fit.
    fn delete_edges(&mut self, remaining: &RemainingEdges) -> Result<CommitState, Error> {
        let commit = self.commit;
        if !commit.add.is_empty() {
            return Err(Error::Refused("a delete adds no members".to_owned()));
        }
        let items = self.actions.len() + 3 * (commit.group_exits.len() + commit.remove.len()) + 1;
        if *remaining != RemainingEdges::Absent || items > ITEMS_PER_COMMIT {
            match remaining {
                RemainingEdges::Present { pending, groups } => self.pending_item(true, pending.as_ref(), groups)?,
                RemainingEdges::Absent => {
                    let groups: Vec<_> = commit.group_exits.iter().map(|exit| exit.group.clone()).collect();
                    self.pending_item(true, None, &groups)?;
                }
            }
            let change = &commit.change.id;
            self.push(unfinished::list_committed(self.table, self.tenant, &commit.id, change, Some(ABSENT)))?;
            return Ok(CommitState::Pending);
        }
        for exit in &commit.group_exits {
            let ChangeRecord { id, at, .. } = &commit.change;
            self.actions.extend(leave_group_actions(self.table, self.tenant, &commit.id, exit, at, id)?);
        }
        let actions = self.edges.actions(self.table, self.tenant, &commit.id)?;
        self.actions.extend(actions);
        Ok(CommitState::Complete)
    }

    fn resource_key(&self) -> Key {
        Key::resource(self.tenant, self.commit.kind, &self.commit.id)
    }

    pub(super) fn put(
        &mut self,
        key: &Key,
        body: &impl serde::Serialize,
        condition: Option<&str>,
        on_failure: ConditionFailure,
    ) -> Result<(), Error> {
        self.push(action::put(self.table, key, body, condition, on_failure))
    }

    fn delete_unconditionally(&mut self, key: &Key) -> Result<(), Error> {
        self.push(action::delete(self.table, key, None, ConditionFailure::Unexpected))
    }

    pub(super) fn push(&mut self, action: Result<WriteAction, Error>) -> Result<(), Error> {
        self.actions.push(action?);
        Ok(())
    }
}
