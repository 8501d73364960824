//! Plans which membership items a change of members writes and deletes, given the items that exist.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use protocol::Error;
use protocol::membership::{
    AddedMember, Delta, MemberOperation, added_members_to_look_up, fold, requires_current_members,
};
use schema::{Kind, Leniency, Object, ResourceId};
use store::{MEMBER_CHANGES_PER_COMMIT, Member, StoredResource};

use crate::Context;
use crate::error::to_client_error;
use crate::member_limits::{check_changes, check_filtered, check_named, check_replaced};
use crate::read_set::{ReadSet, named_ids};
use crate::represent::member_value;

/// Up to this number, members are read by their keys, in one call, whatever the size of the group.
const MAX_READ_BY_KEY: usize = 100;
/// The membership items that a query reads for one read unit. A read by key costs one unit for each item.
const ITEMS_PER_READ_UNIT: u64 = 30;

/// The membership items to write and to delete. One to write may exist already, with another `display`.
#[derive(Debug, Default)]
pub(crate) struct MemberEdges {
    pub(crate) add: Vec<Member>,
    pub(crate) remove: Vec<Member>,
}

impl MemberEdges {
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// The change of the members of a group that a request asks for.
#[derive(Debug)]
pub(crate) enum MemberChange {
    /// The request does not mention members.
    Unchanged,
    Known(Delta),
    /// A filter selects some of them, so that the change depends on the current members.
    Filtered(Vec<MemberOperation>),
}

impl MemberChange {
    /// # Errors
    /// The errors of [`fold`]; [`Error::PayloadTooLarge`] for too many members.
    pub(crate) fn new(operations: Vec<MemberOperation>) -> Result<Self, Error> {
        if operations.is_empty() {
            return Ok(Self::Unchanged);
        }
        if requires_current_members(&operations) {
            return Ok(Self::Filtered(operations));
        }
        let delta = fold(operations, &[], &[])?;
        check_named(&delta)?;
        Ok(Self::Known(delta))
    }

    /// The change, if it adds and removes members by their ids and fits into one transaction: only that one has a
    /// condition on each membership item.
    pub(crate) fn small_delta(&self) -> Option<&Delta> {
        let Self::Known(delta) = self else { return None };
        let is_small = !delta.replace && delta.add.len() + delta.remove.len() <= MEMBER_CHANGES_PER_COMMIT;
        is_small.then_some(delta)
    }

    /// Plans the change of a group; `None` if the group is no longer in the version that was read.
    ///
    /// # Errors
    /// The errors of [`plan`] and [`fold`].
    pub(crate) async fn plan(
        &self,
        context: &Context<'_>,
        group: &StoredResource,
        reads: &ReadSet,
    ) -> Result<Option<MemberEdges>, Error> {
        let delta = match self {
            Self::Unchanged => return Ok(Some(MemberEdges::default())),
            Self::Known(delta) => Cow::Borrowed(delta),
            Self::Filtered(operations) => {
                check_filtered(group.member_summary.count)?;
                let Some(members) = all(context, group).await? else { return Ok(None) };
                let new = new_members(context, operations).await?;
                Cow::Owned(fold(operations.clone(), &objects(context, &members), &objects(context, &new))?)
            }
        };
        let current = match reads.members_named_by(&delta) {
            Some(members) => Some(Cow::Borrowed(members)),
            None => current(context, group, &delta).await?.map(Cow::Owned),
        };
        let Some(current) = current else { return Ok(None) };
        plan(context, Some(&group.id), &delta, &current, reads).await.map(Some)
    }
}

/// The members that the plan of a change needs: all if the change replaces them; otherwise those that it names, or
/// all where reading all is cheaper; `None` if the group is no longer in the version that was read.
async fn current(context: &Context<'_>, group: &StoredResource, delta: &Delta) -> Result<Option<Vec<Member>>, Error> {
    if group.member_summary.count == 0 {
        return Ok(Some(Vec::new()));
    }
    if delta.replace {
        check_replaced(group.member_summary.count, delta)?;
        return all(context, group).await;
    }
    let named = named_ids(delta);
    if named.len() > MAX_READ_BY_KEY && named.len() as u64 > group.member_summary.count / ITEMS_PER_READ_UNIT {
        return all(context, group).await;
    }
    // The commit does not write a member that is to be added and has an edge, or is to be removed and has none. So no
    // condition of the commit checks such a member.
    context.directory.members_in_version(context.tenant(), group, &named).await.map_err(to_client_error)
}

/// All members of a group; `None` if the group is no longer in the version that was read.
pub(crate) async fn all(context: &Context<'_>, group: &StoredResource) -> Result<Option<Vec<Member>>, Error> {
    context.spend_on_members(usize::try_from(group.member_summary.count).unwrap_or(usize::MAX))?;
    let read = context.directory.members(context.tenant(), group.clone()).await.map_err(to_client_error)?;
    Ok(read.filter(|(now, _)| now.version == group.version).map(|(_, members)| members))
}

/// The members that operations add, without `display`, as far as a filter among the operations has to know them.
async fn new_members(context: &Context<'_>, operations: &[MemberOperation]) -> Result<Vec<Member>, Error> {
    let ids: Vec<ResourceId> = added_members_to_look_up(operations).into_iter().filter_map(ResourceId::parse).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = context.directory.known(context.tenant(), &ids).await.map_err(to_client_error)?;
    Ok(known.into_iter().map(|(id, kind)| Member { id, kind, display: None }).collect())
}

/// Members as objects, for a filter.
fn objects(context: &Context<'_>, members: &[Member]) -> Vec<Object> {
    let objects = members.iter().map(|member| member_value(context, member));
    objects.filter_map(|member| member.as_object().cloned()).collect()
}

/// A member that a request adds to a group which does not have it yet.
struct NewMember<'a> {
    /// `None` if the text that was sent is not an id.
    id: Option<ResourceId>,
    sent: &'a AddedMember,
}

/// Plans the items to write and to delete: those of new members that exist, those whose `display` changes, and
/// those of members that leave.
///
/// A lenient dialect leaves out an id that does not exist, and logs it: Okta abandons a whole group push after a
/// 4xx, and sends users that were deleted here.
///
/// # Errors
/// [`Error::InvalidValue`] for a group in itself, for an id that does not exist in a strict dialect, and if none of
/// the ids exists that are to replace all members,
/// [`Error::PayloadTooLarge`] for more changes than one request may make.
pub(crate) async fn plan(
    context: &Context<'_>,
    group: Option<&ResourceId>,
    delta: &Delta,
    current: &[Member],
    reads: &ReadSet,
) -> Result<MemberEdges, Error> {
    check_named(delta)?;
    let (mut edges, new) = compare_members(context, delta, current)?;
    if new.iter().any(|member| member.id.as_ref() == group && group.is_some()) {
        return Err(Error::InvalidValue(
            "members: a group cannot be a member of itself. Leave out the id of the group.".to_owned(),
        ));
    }
    let changes = new.len() + edges.remove.len();
    check_changes(changes)?;
    context.spend_on_changed_members(changes)?;
    let existing = existing_members(context, &new, reads).await?;
    check_replacement(context, delta, current, &existing).await?;
    edges.add.extend(existing);
    Ok(edges)
}

/// Compares a change with the current members. Returns the items of members whose `display` changes and of members that
/// leave, and the members that are new.
fn compare_members<'a>(
    context: &Context<'_>,
    delta: &'a Delta,
    current: &[Member],
) -> Result<(MemberEdges, Vec<NewMember<'a>>), Error> {
    let present: HashMap<&str, &Member> = current.iter().map(|member| (member.id.as_str(), member)).collect();
    let mut edges = MemberEdges::default();
    let mut new = Vec::new();
    for (id, added) in &delta.add {
        let Some(member) = present.get(id.as_str()) else {
            new.push(NewMember { id: ResourceId::parse(id), sent: added });
            continue;
        };
        check_type(context, added, member.kind)?;
        let display = added.display_after(member.display.as_ref());
        if member.display != display {
            edges.add.push(Member { display, ..(*member).clone() });
            edges.remove.push((*member).clone());
        }
    }
    let leaves = |member: &&Member| {
        let id = member.id.as_str();
        delta.remove.contains(id) || (delta.replace && !delta.add.contains_key(id))
    };
    edges.remove.extend(current.iter().filter(leaves).cloned());
    Ok((edges, new))
}

/// Rejects a change that replaces all members by members of whom none exists, whatever follows it in the same request.
/// The client did not ask for an empty group: it has other ids than this service. `existing` are those of the added
/// members that exist.
async fn check_replacement(
    context: &Context<'_>,
    delta: &Delta,
    current: &[Member],
    existing: &[Member],
) -> Result<(), Error> {
    let known: HashSet<&str> = current.iter().chain(existing).map(|member| member.id.as_str()).collect();
    if current.is_empty()
        || delta.replaced_by.is_empty()
        || delta.replaced_by.iter().any(|id| known.contains(id.as_str()))
    {
        return Ok(());
    }
    // The others were looked up as new members.
    let removed_again = delta.replaced_by.iter().filter(|id| !delta.add.contains_key(*id));
    let ids: Vec<ResourceId> = removed_again.filter_map(|id| ResourceId::parse(id)).collect();
    if !ids.is_empty() && !context.directory.known(context.tenant(), &ids).await.map_err(to_client_error)?.is_empty() {
        return Ok(());
    }
    Err(Error::InvalidValue(
        "members: none of these ids exists in this directory, and the group would lose all its members. Send the ids \
         that this service assigned; to remove all members, send an empty array."
            .to_owned(),
    ))
}

/// Checks the `type` that was sent for a member of this kind.
fn check_type(context: &Context<'_>, sent: &AddedMember, kind: Kind) -> Result<(), Error> {
    if sent.stated_type.allows(kind) {
        return Ok(());
    }
    Ok(context.exchange.caller.dialect.tolerate(Leniency::MemberTypes, "members")?)
}

/// The new members that exist, each with its resource type.
async fn existing_members(context: &Context<'_>, new: &[NewMember<'_>], reads: &ReadSet) -> Result<Vec<Member>, Error> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let kinds = match reads.kinds() {
        Some(kinds) => Cow::Borrowed(kinds),
        None => {
            let ids: Vec<ResourceId> = new.iter().filter_map(|member| member.id.clone()).collect();
            let known = context.directory.known(context.tenant(), &ids).await;
            Cow::Owned(known.map_err(to_client_error)?)
        }
    };
    let existing = new.iter().filter_map(|member| {
        let id = member.id.clone()?;
        let kind = *kinds.get(&id)?;
        let checked = check_type(context, member.sent, kind);
        Some(checked.map(|()| Member { kind, id, display: member.sent.display.clone() }))
    });
    let existing: Vec<Member> = existing.collect::<Result<_, Error>>()?;
    if existing.len() < new.len() {
        context.exchange.caller.dialect.tolerate(Leniency::UnknownMembers, "members")?;
        tracing::warn!(members = new.len() - existing.len(), "left out members that do not exist");
    }
    Ok(existing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_delta_is_what_one_transaction_holds() {
        let remove = |count: usize| vec![MemberOperation::Remove((0..count).map(|id| id.to_string()).collect())];
        let is_small = |operations| MemberChange::new(operations).unwrap().small_delta().is_some();
        assert!(is_small(remove(MEMBER_CHANGES_PER_COMMIT)));
        assert!(!is_small(remove(MEMBER_CHANGES_PER_COMMIT + 1)));
        assert!(!is_small(vec![MemberOperation::Replace(Vec::new())]));
        assert!(!is_small(Vec::new()));
    }
}
