//! Deletes a resource (RFC 7644 §3.6): in one commit with its names, and with its membership items if they are few.
//! If they are many, they do not count from the commit on, and are deleted afterwards.

use futures_util::future::try_join;
use protocol::{Error, Precondition, Reply};
use schema::{Kind, ResourceId};
use store::{
    ChangeRecord, Commit, GroupVersion, Keys, Member, PendingChanges, RemainingEdges, ResourceWrite, StoredResource,
};

use crate::clock::now_not_before;
use crate::error::to_client_error;
use crate::keys::{new_id, stored_keys};
use crate::retry::RetryLoop;
use crate::{Context, pending};

/// Up to this number, membership items are deleted with the resource: one transaction has room for them in addition
/// to the other items.
const MAX_EDGES_IN_COMMIT: u64 = 30;
/// How often a delete is planned with all membership items.
const MAX_PLANS: u32 = 4;

/// Deletes a resource, and removes it from every group.
///
/// # Errors
/// [`Error::NotFound`], also for a resource that is deleted already, whose pending delete is completed first;
/// [`Error::PreconditionFailed`].
pub async fn delete(context: &Context<'_>, kind: Kind, id: &str, precondition: &Precondition) -> Result<Reply, Error> {
    let id = ResourceId::parse(id).ok_or_else(|| Error::not_found(kind))?;
    let directory = context.directory;
    let tenant = context.tenant();
    let mut retry = RetryLoop::new(context);
    let mut plans = 0;
    loop {
        plans += 1;
        let no_changes = PendingChanges::default();
        let load = try_join(directory.get(tenant, kind, &id), directory.groups_of(tenant, &id, &no_changes));
        let (stored, groups) = load.await.map_err(to_client_error)?;
        let Some(stored) = stored else {
            pending::finish_pending(context, &id, retry.commit_deadline()).await?;
            return Err(Error::not_found(kind));
        };
        precondition.check(stored.version, &stored.last_modified)?;
        let is_as_read = groups.len() as u64 == stored.group_count;
        let is_whole = plans < MAX_PLANS && !retry.in_chunks();
        let edges = match plan(context, &stored, &groups).await? {
            Some(edges) if is_as_read && is_whole => edges,
            _ if is_whole => {
                retry.backoff().await?;
                continue;
            }
            // Other changes come first again and again, or the membership items do not agree with the counts, as in a
            // table that was restored to the middle of a commit. They are deleted as they are found.
            _ => EdgeDeletion::remaining(remaining(&stored, &groups)),
        };
        let keys = retry.keys_to_free(stored_keys(context, &stored).await?);
        let delete = delete_of(&stored, keys, edges)?;
        match retry.commit(context, &delete).await {
            Ok(committed) => {
                pending::finish_own_commit(context, &id, committed, retry.response_deadline()).await;
                return Ok(Reply { status: 204, ..Reply::default() });
            }
            Err(error) => retry.recover(context, kind, error).await?,
        }
    }
}

/// The membership items that a delete removes in its commit, and whether others remain.
struct EdgeDeletion {
    group_exits: Vec<GroupVersion>,
    remove: Vec<Member>,
    remaining: RemainingEdges,
}

impl EdgeDeletion {
    fn remaining(remaining: RemainingEdges) -> Self {
        Self { group_exits: Vec::new(), remove: Vec::new(), remaining }
    }
}

/// Plans which membership items the commit deletes; `None` if they are no longer as they were read.
async fn plan(
    context: &Context<'_>,
    stored: &StoredResource,
    groups: &[ResourceId],
) -> Result<Option<EdgeDeletion>, Error> {
    let edges = groups.len() as u64 + stored.member_summary.count;
    let pending = &stored.member_summary.pending;
    if edges > MAX_EDGES_IN_COMMIT || pending.is_some() {
        return Ok(Some(EdgeDeletion::remaining(remaining(stored, groups))));
    }
    if edges == 0 {
        return Ok(Some(EdgeDeletion::remaining(RemainingEdges::Absent)));
    }
    let members = context.directory.members_as_read(context.tenant(), stored).await.map_err(to_client_error)?;
    if !stored.has_members(members.iter().map(|member| &member.id)) {
        return Ok(None);
    }
    let found = context.directory.get_many(context.tenant(), Kind::Group, groups).await;
    let found = found.map_err(to_client_error)?;
    // A group that is being deleted removes its own members, and a group with a pending change cannot be changed
    // now. A group that is also a member cannot be in the commit, because a transaction changes an item only once.
    let is_ready = |group: &StoredResource| {
        group.member_summary.pending.is_none() && members.iter().all(|member| member.id != group.id)
    };
    let mut group_exits = Vec::new();
    for group in found {
        let group = group.parse().map_err(to_client_error)?;
        if is_ready(&group) {
            group_exits.push(GroupVersion {
                group: group.id,
                version: group.version,
                last_modified: group.last_modified,
            });
        }
    }
    if group_exits.len() < groups.len() {
        return Ok(Some(EdgeDeletion::remaining(remaining(stored, groups))));
    }
    Ok(Some(EdgeDeletion { group_exits, remove: members, remaining: RemainingEdges::Absent }))
}

/// All membership items, left to be deleted after the commit.
fn remaining(stored: &StoredResource, groups: &[ResourceId]) -> RemainingEdges {
    RemainingEdges::Present { pending: stored.member_summary.pending.clone(), groups: groups.to_vec() }
}

/// The commit of a delete. `keys` are those of `stored`.
fn delete_of(stored: &StoredResource, keys: Keys, edges: EdgeDeletion) -> Result<Commit, Error> {
    let EdgeDeletion { group_exits, remove, remaining } = edges;
    let write = ResourceWrite::Delete { expected: stored.version, before: keys, groups: stored.group_count, remaining };
    let change = ChangeRecord {
        id: new_id()?,
        at: now_not_before(&stored.last_modified),
        attributes: Vec::new(),
        active: None,
        previous_at: Some(stored.last_modified.clone()),
    };
    Ok(Commit { kind: stored.kind, id: stored.id.clone(), write, add: Vec::new(), remove, group_exits, change })
}
