//! From a commit to the actions of its transaction: what is written, on which condition, within DynamoDB's limits.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::{Caller, Tenant};
use schema::{Kind, ResourceId};

use crate::action::{self, ABSENT, Action, Meaning, number};
use crate::item::{ChangeItem, Item, OwnerItem, ResourceItem};
use crate::key::{self, Key};
use crate::{
    Commit, Error, ITEMS_PER_COMMIT, Index, Keys, LOOKUPS_PER_RESOURCE, MEMBER_CHANGES_PER_COMMIT, NAME_BYTES,
    RESOURCE_BYTES, Snapshot, Write,
};

/// DynamoDB's limit of one item, and of all items of a transaction.
const ITEM_BYTES: usize = 400 * 1024;
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// The actions of a commit, whose record is kept for so long. The groups in `stay` are not left, as it was found that they
/// cannot be.
pub(crate) fn actions(
    table: &str,
    caller: &Caller,
    commit: &Commit,
    stay: &BTreeSet<ResourceId>,
    kept: Duration,
) -> Result<Vec<Action>, Error> {
    let mut plan = Plan { table, tenant: &caller.tenant, commit, actions: Vec::new() };
    let change = match &commit.write {
        Write::Create { after } => {
            plan.check(after)?;
            plan.create(after)?;
            plan.keys(None, Some(&after.keys))?;
            plan.count(1)?;
            plan.membership()?.versions(None, Some(1))
        }
        Write::Update { expected, before, after } => {
            plan.check(after)?;
            plan.update(*expected, after)?;
            plan.keys(Some(before), Some(&after.keys))?;
            plan.membership()?.versions(Some(*expected), Some(expected + 1))
        }
        Write::Delete { expected, before } => {
            plan.delete(*expected)?;
            plan.keys(Some(before), None)?;
            plan.count(-1)?;
            plan.departure(stay)?.versions(Some(*expected), None)
        }
    };
    plan.record(&caller.token, change, kept)?;
    plan.within_limits()
}

/// A transaction in the making.
pub(crate) struct Plan<'a> {
    pub(crate) table: &'a str,
    pub(crate) tenant: &'a Tenant,
    pub(crate) commit: &'a Commit,
    pub(crate) actions: Vec<Action>,
}

/// What the change record says besides what the caller gave.
#[derive(Default)]
pub(crate) struct Change<'a> {
    before: Option<u64>,
    after: Option<u64>,
    pub(crate) added: Vec<&'a str>,
    pub(crate) removed: Vec<&'a str>,
    pub(crate) left: Vec<&'a str>,
}

impl Change<'_> {
    fn versions(self, before: Option<u64>, after: Option<u64>) -> Self {
        Self { before, after, ..self }
    }
}

impl Plan<'_> {
    /// Before anything is sent, what an administrator can put right.
    fn check(&self, after: &Snapshot) -> Result<(), Error> {
        if self.commit.kind == Kind::User && !(self.commit.add.is_empty() && self.commit.remove.is_empty()) {
            return Err(Error::Refused("a user has no members".to_owned()));
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
            member_count: (commit.kind == Kind::Group).then_some(self.members_to_add().count() as u64),
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
        let gained = self.members_to_add().count() as i64 - self.members_to_remove().len() as i64;
        if gained != 0 {
            set.push_str(", #memberCount = #memberCount + :gained");
            values.insert("gained".to_owned(), number(gained));
        }
        let (key, condition) = (self.resource_key(), Some("#version = :expected"));
        self.push(action::update(self.table, &key, &set, condition, values, Meaning::Resource))
    }

    fn delete(&mut self, expected: u64) -> Result<(), Error> {
        let condition = ("#version = :expected", Item::from([("expected".to_owned(), number(expected))]));
        self.push(action::delete(self.table, &self.resource_key(), Some(condition), Meaning::Resource))
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

    fn record(&mut self, token: &str, change: Change<'_>, kept: Duration) -> Result<(), Error> {
        let commit = self.commit;
        let verb = match commit.write {
            Write::Create { .. } => "created",
            Write::Update { .. } => "updated",
            Write::Delete { .. } => "deleted",
        };
        let item = ChangeItem {
            token,
            what: format!("{}.{verb}", key::word(commit.kind)),
            resource_type: commit.kind,
            id: commit.id.as_str(),
            attributes: &commit.change.attributes,
            version_before: change.before,
            version_after: change.after,
            members_added: change.added,
            members_removed: change.removed,
            groups_left: change.left,
            at: &commit.change.at,
            expires: now().saturating_add(kept.as_secs()),
        };
        self.put(&Key::change(self.tenant, &commit.change.id), &item, Some(ABSENT), Meaning::Invariant)
    }

    fn within_limits(self) -> Result<Vec<Action>, Error> {
        let (items, bytes) = (self.actions.len(), self.actions.iter().map(|action| action.bytes).sum::<usize>());
        let largest = self.actions.iter().map(|action| action.bytes).max().unwrap_or(0);
        let changes = self.commit.add.len() + self.commit.remove.len();
        if largest > ITEM_BYTES {
            return Err(Error::TooLarge("A member takes more than 400 KB.".to_owned()));
        }
        if items > ITEMS_PER_COMMIT && changes > MEMBER_CHANGES_PER_COMMIT {
            return Err(Error::TooLarge(format!(
                "The request changes {changes} members of the group; one request can change {MEMBER_CHANGES_PER_COMMIT}."
            )));
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
        Ok(self.actions)
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

    pub(crate) fn erase(&mut self, key: &Key) -> Result<(), Error> {
        self.push(action::delete(self.table, key, None, Meaning::Invariant))
    }

    pub(crate) fn push(&mut self, action: Result<Action, Error>) -> Result<(), Error> {
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

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
