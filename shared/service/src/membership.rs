//! Which edges a change of membership comes to, seen against those that are there.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join;
use protocol::Error;
use protocol::membership::{Delta, MemberOperation, fold, requires_current_members};
use schema::{Kind, Leniency, Object, ResourceId};
use store::{Commit, MEMBER_CHANGES_PER_COMMIT, Member, PendingChanges, Stored};

use crate::Context;
use crate::failure::failed;

/// So many members can be added to a group, removed from it or changed by one request.
const MAX_CHANGES: usize = protocol::limits::MEMBER_CHANGES;

/// Up to so many members are looked up by their keys, in one call, whatever the size of the group.
const NAMED_BY_KEY: usize = 100;
/// More of them cost a unit each, for which a page of the group holds so many.
const EDGES_PER_UNIT: u64 = 30;

/// Edges to put and to take away. One to put may be there already, with another `display`.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    pub(crate) add: Vec<Member>,
    pub(crate) remove: Vec<Member>,
}

impl Edges {
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// What can be read of the members that a change names while the group itself is read.
#[derive(Debug)]
pub(crate) struct Beside {
    delta: Delta,
    pub(crate) present: Vec<Member>,
    pub(crate) kinds: HashMap<ResourceId, Kind>,
}

impl Beside {
    /// Whether it is enough for this change. An edge may have been read before the group, so only those are believed that the commit
    /// puts or takes away: it does so on condition that they are as they were read.
    pub(crate) fn decides(&self, delta: &Delta) -> bool {
        let is_removed = |member: &Member| delta.remove.contains(member.id.as_str());
        self.delta == *delta && self.present.len() == delta.remove.len() && self.present.iter().all(is_removed)
    }
}

/// Those who are added or removed by their ids, where nobody else is concerned and one transaction holds them all: only that one has a
/// condition on each edge.
pub(crate) fn few(operations: Vec<MemberOperation>) -> Option<Delta> {
    if operations.is_empty() || requires_current_members(&operations) {
        return None;
    }
    let delta = fold(operations, &[]).ok()?;
    (!delta.replace && delta.add.len() + delta.remove.len() <= MEMBER_CHANGES_PER_COMMIT).then_some(delta)
}

/// Reads of those whom a change names, who is a member and who of the others exists.
pub(crate) async fn beside(
    context: &Context<'_>,
    group: Option<ResourceId>,
    delta: Option<&Delta>,
) -> Result<Option<Beside>, Error> {
    let (Some(group), Some(delta)) = (group, delta) else { return Ok(None) };
    let (tenant, added) = (&context.caller.tenant, ids(delta.add.keys()));
    let named = ids(delta.add.keys().chain(&delta.remove));
    let present = context.directory.members_among(tenant, &group, &named);
    let (present, kinds) = try_join(present, context.directory.known(tenant, &added)).await.map_err(failed)?;
    Ok(Some(Beside { delta: delta.clone(), present, kinds }))
}

fn ids<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<ResourceId> {
    texts.filter_map(|id| ResourceId::parse(id)).collect()
}

/// The members of a group that a change has to know: all if it replaces them, else those that it names, or all where that is
/// cheaper; `None` if the group is no longer as it was read.
pub(crate) async fn current(
    context: &Context<'_>,
    group: &Stored,
    delta: &Delta,
) -> Result<Option<Vec<Member>>, Error> {
    if group.member_summary.count == 0 {
        return Ok(Some(Vec::new()));
    }
    if delta.replace {
        return all(context, group).await;
    }
    let named = ids(delta.add.keys().chain(&delta.remove));
    if named.len() > NAMED_BY_KEY && named.len() as u64 > group.member_summary.count / EDGES_PER_UNIT {
        return all(context, group).await;
    }
    let named = context.directory.members_among(&context.caller.tenant, &group.id, &named).await;
    named.map(Some).map_err(failed)
}

/// All members of a group; `None` if it is no longer as it was read.
pub(crate) async fn all(context: &Context<'_>, group: &Stored) -> Result<Option<Vec<Member>>, Error> {
    let read = context.directory.members(&context.caller.tenant, group.clone()).await.map_err(failed)?;
    Ok(read.filter(|(now, _)| now.version == group.version).map(|(_, members)| members))
}

/// The members of a group, read while a change of it is committed: of before, or of after.
pub(crate) async fn read_if(context: &Context<'_>, group: &Stored, are_wanted: bool) -> Option<Vec<Member>> {
    if !are_wanted {
        return None;
    }
    // What fails here is read again.
    context.directory.members_as_read(&context.caller.tenant, group).await.ok()
}

/// Who of them is a member after it, oldest first; `None` if they are of neither.
pub(crate) fn shown(
    (members, pending_changes): (Vec<Member>, PendingChanges),
    before: &Stored,
    stored: &Stored,
    commit: &Commit,
) -> Option<Vec<Member>> {
    let mut members: BTreeMap<ResourceId, Member> = members.into_iter().map(|one| (one.id.clone(), one)).collect();
    if before.has_members(members.keys()) {
        commit.remove.iter().for_each(|removed| drop(members.remove(&removed.id)));
        members.extend(commit.add.iter().map(|added| (added.id.clone(), added.clone())));
    } else if !stored.has_members(members.keys()) {
        return None;
    }
    Some(members.into_values().filter(|one| !pending_changes.hides(&one.id)).collect())
}

/// Members as objects, for a filter.
pub(crate) fn objects(context: &Context<'_>, members: &[Member]) -> Vec<Object> {
    let objects = members.iter().map(|member| crate::represent::member(context, member));
    objects.filter_map(|member| member.as_object().cloned()).collect()
}

/// What is to be written: new members that exist, a `display` that differs, and who goes. `kinds` are those of the new members, if they
/// were looked up already.
///
/// An id that names nobody is left out, by a lenient dialect, and logged: Okta gives up a whole push at a 4xx, and sends
/// users that were deleted here.
///
/// # Errors
/// [`Error::InvalidValue`] for a group in itself, and for an id that names nobody in a strict dialect, [`Error::PayloadTooLarge`] for more than 100,000.
pub(crate) async fn plan(
    context: &Context<'_>,
    group: Option<&ResourceId>,
    delta: &Delta,
    current: &[Member],
    kinds: Option<HashMap<ResourceId, Kind>>,
) -> Result<Edges, Error> {
    let present: HashMap<&str, &Member> = current.iter().map(|member| (member.id.as_str(), member)).collect();
    let mut edges = Edges::default();
    let mut unknown = Vec::new();
    for (id, display) in &delta.add {
        match present.get(id.as_str()) {
            Some(member) if display.is_some() && member.display != *display => {
                edges.add.push(Member { display: display.clone(), ..(*member).clone() });
                edges.remove.push((*member).clone());
            }
            Some(_) => {}
            None => unknown.push((ResourceId::parse(id), display)),
        }
    }
    let gone = |member: &&Member| {
        let id = member.id.as_str();
        delta.remove.contains(id) || (delta.replace && !delta.add.contains_key(id))
    };
    edges.remove.extend(current.iter().filter(gone).cloned());
    if unknown.iter().any(|(id, _)| id.as_ref() == group && group.is_some()) {
        return Err(Error::InvalidValue("members: a group cannot be a member of itself.".to_owned()));
    }
    let changes = unknown.len() + edges.remove.len();
    if changes > MAX_CHANGES {
        return Err(too_many(changes));
    }
    edges.add.extend(look_up(context, &unknown, kinds).await?);
    Ok(edges)
}

async fn look_up(
    context: &Context<'_>,
    wanted: &[(Option<ResourceId>, &Option<String>)],
    kinds: Option<HashMap<ResourceId, Kind>>,
) -> Result<Vec<Member>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let kinds = match kinds {
        Some(kinds) => kinds,
        None => {
            let ids: Vec<ResourceId> = wanted.iter().filter_map(|(id, _)| id.clone()).collect();
            context.directory.known(&context.caller.tenant, &ids).await.map_err(failed)?
        }
    };
    let found = wanted.iter().filter_map(|(id, display)| {
        let id = id.clone()?;
        Some(Member { kind: *kinds.get(&id)?, id, display: (*display).clone() })
    });
    let found: Vec<Member> = found.collect();
    if found.len() < wanted.len() {
        context.caller.dialect.tolerate(Leniency::UnknownMembers, "members")?;
        tracing::warn!(members = wanted.len() - found.len(), "members that do not exist were left out");
    }
    Ok(found)
}

fn too_many(count: usize) -> Error {
    Error::PayloadTooLarge(format!(
        "The request changes {count} members; at most {MAX_CHANGES} can be changed in one request. Nothing \
         was changed. Send the change in smaller parts."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_one_transaction_holds_is_read_beside_the_group() {
        let remove = |count: usize| vec![MemberOperation::Remove((0..count).map(|id| id.to_string()).collect())];
        assert!(few(remove(MEMBER_CHANGES_PER_COMMIT)).is_some());
        assert!(few(remove(MEMBER_CHANGES_PER_COMMIT + 1)).is_none());
        assert!(few(vec![MemberOperation::Replace(Vec::new())]).is_none());
        assert!(few(Vec::new()).is_none());
    }
}
