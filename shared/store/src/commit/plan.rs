//! From a commit to the actions of its transaction: what is written, on which condition, within DynamoDB's limits.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::{Caller, Tenant};
use schema::Kind;

use crate::commit::action::{self, ABSENT, Action, Meaning, number};
use crate::item::{Item, OwnerItem, ResourceItem};
use crate::key::Key;
use crate::membership::chunk;
use crate::membership::{Edges, SETTLED, leave};
use crate::{
    Commit, CommitState, Error, ITEMS_PER_COMMIT, Index, Keys, LOOKUPS_PER_RESOURCE, MEMBER_CHANGES_PER_COMMIT,
    NAME_BYTES, RESOURCE_BYTES, RemainingEdges, Snapshot, Write,
};

/// DynamoDB's limit of one item, and of all items of a transaction.
const ITEM_BYTES: usize = 400 * 1024;
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// What a commit comes to.
pub(crate) struct Planned {
    pub(crate) actions: Vec<Action>,
    /// What is to be written before.
    pub(crate) parts: Vec<Edges>,
    pub(crate) committed: CommitState,
}

/// The record expires at that time, in seconds since 1970.
pub(crate) fn planned(table: &str, caller: &Caller, commit: &Commit, expires: u64) -> Result<Planned, Error> {
    let edges = Edges::of(commit);
    let is_large = !matches!(commit.write, Write::Delete { .. }) && edges.len() > MEMBER_CHANGES_PER_COMMIT;
    let parts = if is_large { chunk::cut(&edges) } else { Vec::new() };
    let tenant = &caller.tenant;
    let mut plan = Plan { table, caller, tenant, commit, edges, is_large, parts, expires, actions: Vec::new() };
    let committed = match &commit.write {
        Write::Create { after } => {
            plan.check(after)?;
            plan.create(after)?;
            plan.keys(None, Some(&after.keys))?;
            plan.count(1)?;
            plan.membership()?
        }
        Write::Update { expected, before, after } => {
            plan.check(after)?;
            plan.update(*expected, after)?;
            plan.keys(Some(before), Some(&after.keys))?;
            plan.membership()?
        }
        Write::Delete { expected, before, groups, rest } => {
            plan.delete(*expected, *groups)?;
            plan.keys(Some(before), None)?;
            plan.count(-1)?;
            plan.departure(rest)?
        }
    };
    plan.record(committed)?;
    plan.within_limits()?;
    Ok(Planned { actions: plan.actions, parts: plan.parts, committed })
}

/// A transaction in the making.
pub(crate) struct Plan<'a> {
    table: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) tenant: &'a Tenant,
    pub(crate) commit: &'a Commit,
    pub(crate) edges: Edges,
    /// More members change than one transaction holds.
    pub(crate) is_large: bool,
    /// It then.
    pub(crate) parts: Vec<Edges>,
    /// When the record expires, in seconds since 1970.
    pub(crate) expires: u64,
    actions: Vec<Action>,
}

impl Plan<'_> {
    /// Before anything is sent, what an administrator can put right.
    fn check(&self, after: &Snapshot) -> Result<(), Error> {
        if self.commit.kind == Kind::User && !(self.commit.add.is_empty() && self.commit.remove.is_empty()) {
            return Err(Error::Refused("a user has no members".to_owned()));
        }
        if self.commit.add.iter().any(|member| member.id == self.commit.id) {
            return Err(Error::Refused("a group in itself".to_owned()));
        }
        let (name, bytes) = (name_attribute(self.commit.kind), after.keys.name.len());
        if bytes == 0 {
            return Err(Error::Refused(format!("an empty {name}")));
        }
        if bytes > NAME_BYTES {
            return Err(Error::TooLarge(format!("{name} takes {bytes} bytes; at most {NAME_BYTES} can be stored.")));
        }
        let values = lookups(&after.keys).len();
        if values > LOOKUPS_PER_RESOURCE {
            return Err(Error::TooLarge(format!(
                "The resource has {values} e-mail addresses and external ids; it may have at most {LOOKUPS_PER_RESOURCE}."
            )));
        }
        Ok(())
    }

    fn create(&mut self, after: &Snapshot) -> Result<(), Error> {
        let commit = self.commit;
        let item = ResourceItem {
            resource: json(after)?,
            version: 1,
            created: commit.change.at.clone(),
            last_modified: commit.change.at.clone(),
            member_count: (commit.kind == Kind::Group).then_some(self.edges.add.len() as u64),
            member_marks: (commit.kind == Kind::Group).then(|| self.edges.checksum().unsigned_abs()),
            pending: self.is_large.then(|| commit.change.id.to_string()),
            group_count: 0,
        };
        self.put(&self.resource_key(), &item, Some(ABSENT), Meaning::Resource)
    }

    fn update(&mut self, expected: u64, after: &Snapshot) -> Result<(), Error> {
        let mut set = "SET #resource = :resource, #version = :next, #lastModified = :at".to_owned();
        let mut values = Item::from([
            ("resource".to_owned(), S(json(after)?)),
            ("next".to_owned(), number(expected + 1)),
            ("at".to_owned(), S(self.commit.change.at.clone())),
            ("expected".to_owned(), number(expected)),
        ]);
        if self.edges.len() > 0 {
            set.push_str(", #memberCount = #memberCount + :gain, #memberMarks = #memberMarks + :marks");
            values.insert("gain".to_owned(), number(self.edges.gain()));
            values.insert("marks".to_owned(), number(self.edges.checksum()));
        }
        if self.is_large {
            set.push_str(", #pending = :pending");
            values.insert("pending".to_owned(), S(self.commit.change.id.to_string()));
        }
        let key = self.resource_key();
        self.push(action::update(self.table, &key, &set, Some(SETTLED), values, Meaning::Resource))
    }

    /// Nobody can have become a member anywhere since its groups were read: that would have been counted.
    fn delete(&mut self, expected: u64, groups: u64) -> Result<(), Error> {
        let condition = match groups {
            0 => "#version = :expected AND (attribute_not_exists(#groupCount) OR #groupCount = :groups)",
            _ => "#version = :expected AND #groupCount = :groups",
        };
        let values = [("expected".to_owned(), number(expected)), ("groups".to_owned(), number(groups))];
        let condition = Some((condition, Item::from(values)));
        self.push(action::delete(self.table, &self.resource_key(), condition, Meaning::Resource))
    }

    /// The unique name and the lookups: what is new is put, what is no longer is deleted, what stays is not touched.
    fn keys(&mut self, before: Option<&Keys>, after: Option<&Keys>) -> Result<(), Error> {
        let owner = OwnerItem { owner: self.commit.id.to_string() };
        let (kind, old, new) = (self.commit.kind, before.map(|keys| &keys.name), after.map(|keys| &keys.name));
        if let Some(name) = old.filter(|_| old != new) {
            let mine = ("#owner = :owner", Item::from([("owner".to_owned(), S(owner.owner.clone()))]));
            self.push(action::delete(self.table, &Key::name(self.tenant, kind, name), Some(mine), Meaning::Invariant))?;
        }
        if let Some(name) = new.filter(|_| old != new) {
            self.put(&Key::name(self.tenant, kind, name), &owner, Some(ABSENT), Meaning::Taken)?;
        }
        let (old, new) = (before.map(lookups).unwrap_or_default(), after.map(lookups).unwrap_or_default());
        for (index, value) in old.difference(&new) {
            self.erase(&Key::lookup(self.tenant, *index, value, &self.commit.id))?;
        }
        for (index, value) in new.difference(&old) {
            self.put(&Key::lookup(self.tenant, *index, value, &self.commit.id), &owner, None, Meaning::Invariant)?;
        }
        Ok(())
    }

    fn count(&mut self, by: i8) -> Result<(), Error> {
        let key = Key::count(self.tenant, self.commit.kind, &self.commit.id);
        let values = Item::from([("by".to_owned(), number(by))]);
        self.push(action::update(self.table, &key, "ADD #total :by", None, values, Meaning::Invariant))
    }

    /// The edges that a group gains, changes and loses. Its version guards them; their own conditions keep the count of
    /// members right even if the caller misread them.
    fn membership(&mut self) -> Result<CommitState, Error> {
        if !self.commit.leave.is_empty() {
            return Err(Error::Refused("only a delete leaves groups".to_owned()));
        }
        if self.is_large {
            self.pending_changes(false, Some(&self.commit.change.id))?;
            return Ok(CommitState::Pending);
        }
        let actions = self.edges.actions(self.table, self.tenant, &self.commit.id)?;
        self.actions.extend(actions);
        Ok(CommitState::Complete)
    }

    /// The edges that go with a delete: all of them, or none, if they do not fit.
    fn departure(&mut self, rest: &RemainingEdges) -> Result<CommitState, Error> {
        let commit = self.commit;
        if !commit.add.is_empty() {
            return Err(Error::Refused("a delete adds no members".to_owned()));
        }
        let items = self.actions.len() + 3 * (commit.leave.len() + commit.remove.len()) + 1;
        if *rest != RemainingEdges::None || items > ITEMS_PER_COMMIT {
            let pending = if let RemainingEdges::Some { pending } = rest { pending.as_ref() } else { None };
            self.pending_changes(true, pending)?;
            return Ok(CommitState::Pending);
        }
        for from in &commit.leave {
            self.actions.extend(leave(self.table, self.tenant, &commit.id, from, &commit.change.at)?);
        }
        let actions = self.edges.actions(self.table, self.tenant, &commit.id)?;
        self.actions.extend(actions);
        Ok(CommitState::Complete)
    }

    fn within_limits(&self) -> Result<(), Error> {
        let (items, bytes) = (self.actions.len(), self.actions.iter().map(|action| action.bytes).sum::<usize>());
        let largest = self.actions.iter().map(|action| action.bytes).max().unwrap_or(0);
        if largest > ITEM_BYTES {
            return Err(Error::TooLarge("A member takes more than 400 KB.".to_owned()));
        }
        if items > ITEMS_PER_COMMIT && self.commit.kind == Kind::User {
            return Err(Error::TooLarge(format!(
                "The request changes too many e-mail addresses and external ids at once; it can add and remove about \
                 {LOOKUPS_PER_RESOURCE} in all. Send the change in smaller parts."
            )));
        }
        if items > ITEMS_PER_COMMIT {
            return Err(Error::TooLarge(format!(
                "The request changes too many e-mail addresses and members at once: {items} items; at most \
                 {ITEMS_PER_COMMIT} can change together."
            )));
        }
        if bytes > COMMIT_BYTES {
            return Err(Error::TooLarge("The request changes more than 4 MB at once.".to_owned()));
        }
        Ok(())
    }

    fn resource_key(&self) -> Key {
        Key::resource(self.tenant, self.commit.kind, &self.commit.id)
    }

    pub(crate) fn put(
        &mut self,
        key: &Key,
        body: &impl serde::Serialize,
        condition: Option<&str>,
        meaning: Meaning,
    ) -> Result<(), Error> {
        self.push(action::put(self.table, key, body, condition, meaning))
    }

    fn erase(&mut self, key: &Key) -> Result<(), Error> {
        self.push(action::delete(self.table, key, None, Meaning::Invariant))
    }

    fn push(&mut self, action: Result<Action, Error>) -> Result<(), Error> {
        self.actions.push(action?);
        Ok(())
    }
}

fn lookups(keys: &Keys) -> BTreeSet<(Index, &str)> {
    keys.lookups.iter().map(|(index, value)| (*index, value.as_str())).collect()
}

fn json(after: &Snapshot) -> Result<String, Error> {
    let json = serde_json::to_string(&after.resource);
    let json = json.map_err(|_| Error::Refused("a resource that is no JSON".to_owned()))?;
    if json.len() <= RESOURCE_BYTES {
        return Ok(json);
    }
    let (takes, limit) = (json.len() / 1024, RESOURCE_BYTES / 1024);
    Err(Error::TooLarge(format!("The resource takes {takes} KB; at most {limit} KB can be stored, members apart.")))
}

fn name_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}
