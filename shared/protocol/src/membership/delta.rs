//! The combined effect of operations on the members of a group.

use std::collections::{BTreeMap, BTreeSet};

use schema::Object;
use serde_json::{Value, json};

use super::member::{Member, StatedType};
use super::operation::MemberOperation;
use crate::limits::BODY_BYTES;
use crate::work::{Work, text_weight};
use crate::{Error, Filter};

/// The combined effect of several operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Whether members that are not in `add` are removed.
    pub replace: bool,
    /// The members to add, by their ids.
    pub add: BTreeMap<String, AddedMember>,
    /// The ids of the members to remove; none of them is in `add`.
    pub remove: BTreeSet<String>,
    /// The ids of the last operation that replaces all members, even if a later operation removes them. If there are
    /// none, all members are removed.
    pub replaced_by: BTreeSet<String>,
}

/// A member that a change adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedMember {
    /// The `display` that was sent.
    pub display: Option<String>,
    /// Whether an existing member keeps its `display` if none was sent. A member that an earlier operation removed does
    /// not keep it.
    pub keeps_display: bool,
    /// The kind of resource that the last operation that added it stated.
    pub stated_type: StatedType,
}

impl AddedMember {
    /// The `display` of a member after the change. `before` is the one that it has now.
    pub fn display_after(&self, before: Option<&String>) -> Option<String> {
        self.display.as_ref().or(before.filter(|_| self.keeps_display)).cloned()
    }
}

/// Combines operations into one change, as if each were applied after the one before it (RFC 7644 §3.5.2).
///
/// `current` and `new` are only read if [`requires_current_members`](super::requires_current_members). They are objects
/// with `value`, `type`, `$ref` and `display`: the members that the group has, and those among
/// [`added_members_to_look_up`](super::added_members_to_look_up) that it does not have.
///
/// # Errors
/// [`Error::PayloadTooLarge`] if the filters would make more comparisons than
/// [`PATCH_COMPARISONS`](crate::limits::PATCH_COMPARISONS); [`Error::NoTarget`] for a new `display` of no member (RFC
/// 7644 §3.5.2.3), and [`Error::InvalidPath`] for one of several members without a filter.
pub fn fold(operations: Vec<MemberOperation>, current: &[Object], new: &[Object]) -> Result<Delta, Error> {
    let mut delta = Delta::default();
    let work = Work::default();
    let mut display_bytes = 0;
    for operation in operations {
        match operation {
            MemberOperation::Add(members) => delta.add(members),
            MemberOperation::Remove(ids) => ids.into_iter().for_each(|id| delta.remove(id)),
            MemberOperation::Replace(members) => delta.replace(members),
            MemberOperation::RemoveWhere(filter) => {
                work.spend(filter.comparisons() * (current.len() + delta.weight()))?;
                for id in delta.matching(Some(&filter), current, new) {
                    delta.remove(id);
                }
            }
            MemberOperation::ChangeDisplay { path, filter, needs_target, if_several, display } => {
                let comparisons = filter.as_ref().map_or(1, Filter::comparisons);
                work.spend(comparisons * (current.len() + delta.weight()))?;
                let ids = delta.matching(filter.as_ref(), current, new);
                if needs_target {
                    check_targets(&path, filter.is_some(), if_several, ids.len())?;
                }
                display_bytes += ids.len() * display.as_ref().map_or(0, String::len);
                check_display_bytes(&path, ids.len(), display_bytes)?;
                for id in ids {
                    delta.change_display(id, display.clone());
                }
            }
        }
    }
    Ok(delta)
}

/// Checks how many members get a new `display`.
fn check_targets(path: &str, has_filter: bool, if_several: Option<Error>, targets: usize) -> Result<(), Error> {
    match (targets, if_several) {
        (0, _) => {
            Err(Error::NoTarget(format!("No member matches the path `{path}`. Add the member, or correct the filter.")))
        }
        (1, _) => Ok(()),
        (_, Some(error)) => Err(error),
        (_, None) if has_filter => Ok(()),
        (_, None) => Err(Error::InvalidPath(format!(
            "`{path}` does not select one of the {targets} members. Add a filter, such as members[value eq \
             \"…\"].display."
        ))),
    }
}

/// Checks, before a `display` is given to each of the selected members, that all of them together are not longer than
/// a request that names each of them could be.
fn check_display_bytes(path: &str, targets: usize, bytes: usize) -> Result<(), Error> {
    if bytes <= BODY_BYTES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "`{path}` selects {targets} members, which is too many for a display of this length. Send a shorter one, or \
         select fewer members."
    )))
}

impl Delta {
    fn add(&mut self, members: Vec<Member>) {
        for Member { id, display, stated_type } in members {
            let mut added = AddedMember { stated_type, ..self.state_of(&id) };
            added.display = display.or(added.display);
            self.remove.remove(&id);
            self.add.insert(id, added);
        }
    }

    /// Replaces all members. One that stays keeps its `display` if none is sent.
    fn replace(&mut self, members: Vec<Member>) {
        let before = std::mem::take(self);
        self.replace = true;
        self.replaced_by = members.iter().map(|member| member.id.clone()).collect();
        for Member { id, display, stated_type } in members {
            // A list may name a member twice.
            let known = self.add.get(&id).cloned().unwrap_or_else(|| before.state_of(&id));
            let mut added = AddedMember { stated_type, ..known };
            added.display = display.or(added.display);
            self.add.insert(id, added);
        }
    }

    /// Changes the `display` of a member that the group has after the change so far.
    fn change_display(&mut self, id: String, display: Option<String>) {
        let added = AddedMember { display, keeps_display: false, ..self.state_of(&id) };
        self.add.insert(id, added);
    }

    /// The comparisons with short texts that take as long as one with each of the added members.
    fn weight(&self) -> usize {
        self.add.values().map(|added| 1 + text_weight(added.display.as_deref().unwrap_or_default())).sum()
    }

    /// The state of a member after the operations so far.
    fn state_of(&self, id: &str) -> AddedMember {
        let keeps_display = !self.replace && !self.remove.contains(id);
        let untouched = AddedMember { keeps_display, ..AddedMember::default() };
        self.add.get(id).cloned().unwrap_or(untouched)
    }

    fn remove(&mut self, id: String) {
        self.add.remove(&id);
        if !self.replace {
            self.remove.insert(id);
        }
    }

    /// The ids of the members that the group has after the change so far, and that a filter matches.
    fn matching(&self, filter: Option<&Filter>, current: &[Object], new: &[Object]) -> Vec<String> {
        let matches = |member: &Object| filter.is_none_or(|filter| filter.matches(member));
        let present: BTreeMap<&str, &Object> = current.iter().map(|member| (id_of(member), member)).collect();
        let new: BTreeMap<&str, &Object> = new.iter().map(|member| (id_of(member), member)).collect();
        let untouched = present
            .iter()
            .filter(|(id, _)| !self.replace && !self.add.contains_key(**id) && !self.remove.contains(**id));
        let untouched = untouched.filter(|(_, member)| matches(member)).map(|(id, _)| (*id).to_owned());
        let added = self.add.iter().filter(|(id, added)| {
            let known = present.get(id.as_str()).or_else(|| new.get(id.as_str()));
            let mut member =
                known.map_or_else(|| Object::from_iter([("value".to_owned(), json!(id))]), |it| (*it).clone());
            let before = member.get("display").and_then(Value::as_str).map(str::to_owned);
            member.shift_remove("display");
            let display = added.display_after(before.as_ref());
            member.extend(display.map(|display| ("display".to_owned(), Value::String(display))));
            matches(&member)
        });
        untouched.chain(added.map(|(id, _)| id.clone())).collect()
    }
}

fn id_of(member: &Object) -> &str {
    member.get("value").and_then(Value::as_str).unwrap_or_default()
}
