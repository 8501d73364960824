//! The reads that an operation starts before it knows whether it needs them. A read that starts together with that of
//! the resource adds no round trip, so membership is read in this way.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join4;
use protocol::membership::Delta;
use protocol::{Error, Projection};
use schema::{Kind, ResourceId, resource_type};
use store::{Commit, Member, PendingChanges, StoredResource};

use crate::Context;
use crate::edges::edges_attribute;
use crate::error::to_client_error;

/// The reads to start together with that of a resource.
#[derive(Debug)]
pub(crate) struct ReadPlan<'a> {
    /// `None` if the URL does not hold an id; nothing is read then.
    resource: Option<ResourceId>,
    user_groups: bool,
    /// The members that a change adds and removes.
    member_delta: Option<&'a Delta>,
    pending_changes: bool,
}

impl<'a> ReadPlan<'a> {
    /// For a response: the groups of a user, if the projection includes them.
    pub(crate) fn for_response(kind: Kind, id: &str, projection: &Projection) -> Self {
        Self {
            resource: ResourceId::parse(id),
            user_groups: kind == Kind::User && projection.wants(resource_type(kind), edges_attribute(kind)),
            member_delta: None,
            pending_changes: false,
        }
    }

    /// For a change and its response. `delta` is a small change of the members of a group.
    pub(crate) fn for_change(kind: Kind, id: &str, projection: &Projection, delta: Option<&'a Delta>) -> Self {
        let shows_members = kind == Kind::Group && projection.wants(resource_type(kind), edges_attribute(kind));
        Self {
            member_delta: delta,
            pending_changes: delta.is_some() && shows_members,
            ..Self::for_response(kind, id, projection)
        }
    }
}

/// The data that was read about one resource. A getter returns `None` if its data was not loaded.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    resource: Option<ResourceId>,
    groups: Option<Vec<ResourceId>>,
    named_members: Option<Vec<Member>>,
    kinds: Option<HashMap<ResourceId, Kind>>,
    pending_changes: Option<PendingChanges>,
    members: Option<Vec<Member>>,
}

impl ReadSet {
    /// Starts all reads of the plan together.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn load(context: &Context<'_>, plan: &ReadPlan<'_>) -> Result<Self, Error> {
        let Some(id) = &plan.resource else { return Ok(Self::default()) };
        let directory = context.directory;
        let tenant = context.tenant();
        let groups = async {
            if !plan.user_groups {
                return Ok(None);
            }
            directory.groups_of_each(tenant, &[(id, None)]).await.map(|groups| groups.into_iter().next())
        };
        let named_members = async {
            let Some(delta) = plan.member_delta else { return Ok(None) };
            directory.members_among(tenant, id, &named_ids(delta)).await.map(Some)
        };
        let kinds = async {
            let Some(delta) = plan.member_delta else { return Ok(None) };
            directory.known(tenant, &ids(delta.add.keys())).await.map(Some)
        };
        let pending_changes =
            async { if plan.pending_changes { directory.pending_changes(tenant).await.map(Some) } else { Ok(None) } };
        let (groups, named_members, kinds, pending_changes) =
            try_join4(groups, named_members, kinds, pending_changes).await.map_err(to_client_error)?;
        Ok(Self { resource: plan.resource.clone(), groups, named_members, kinds, pending_changes, members: None })
    }

    /// The groups of a user.
    pub(crate) fn groups_of(&self, user: &ResourceId) -> Option<&[ResourceId]> {
        self.groups.as_deref().filter(|_| self.resource.as_ref() == Some(user))
    }

    /// The members that `delta` removes, if these are exactly the named members that the group has; otherwise
    /// `None`, and the change needs all members.
    ///
    /// A membership item may have been read before the group. So this suffices only if the commit writes each item
    /// that `delta` names: it does so on condition that each is still as it was read here.
    pub(crate) fn members_named_by(&self, delta: &Delta) -> Option<&[Member]> {
        let is_removed = |member: &Member| delta.remove.contains(member.id.as_str());
        let members = self.named_members.as_deref()?;
        (members.len() == delta.remove.len() && members.iter().all(is_removed)).then_some(members)
    }

    /// The resource types of added members that exist.
    pub(crate) fn kinds(&self) -> Option<&HashMap<ResourceId, Kind>> {
        self.kinds.as_ref()
    }

    /// Whether the members of a group can be read while a change of it is committed.
    pub(crate) fn can_prefetch_members(&self) -> bool {
        self.pending_changes.is_some()
    }

    /// The members of a group in the version that the response shows.
    pub(crate) fn members_of(&self, group: &ResourceId) -> Option<&[Member]> {
        self.members.as_deref().filter(|_| self.resource.as_ref() == Some(group))
    }

    /// Keeps the members, oldest first, that the group has after a commit. `read` was read while `commit` was under
    /// way, and is dropped if it belongs neither to the version `before` nor to the version `after`.
    pub(crate) fn keep_members_after_commit(
        &mut self,
        read: Vec<Member>,
        before: &StoredResource,
        after: &StoredResource,
        commit: &Commit,
    ) {
        let Some(pending_changes) = &self.pending_changes else { return };
        let mut members: BTreeMap<ResourceId, Member> = read.into_iter().map(|one| (one.id.clone(), one)).collect();
        if before.has_members(members.keys()) {
            for removed in &commit.remove {
                members.remove(&removed.id);
            }
            members.extend(commit.add.iter().map(|added| (added.id.clone(), added.clone())));
        } else if !after.has_members(members.keys()) {
            return;
        }
        self.members = Some(members.into_values().filter(|one| !pending_changes.hides(&one.id)).collect());
    }
}

/// The ids that a change of members names. A text that is not an id is left out.
pub(crate) fn named_ids(delta: &Delta) -> Vec<ResourceId> {
    ids(delta.add.keys().chain(&delta.remove))
}

fn ids<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<ResourceId> {
    texts.filter_map(|id| ResourceId::parse(id)).collect()
}
