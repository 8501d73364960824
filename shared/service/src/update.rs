//! Changes a resource: PUT (RFC 7644 §3.5.1) and PATCH (§3.5.2). The change is computed from the version that was
//! read and committed on condition that the resource still has that version; otherwise the resource is read again.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, try_join};
use protocol::membership::{Delta, MemberOperation, take_members};
use protocol::{Error, Patch, Precondition, Projection, Reply, UpdateMethod, keep_immutable};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{ChangeRecord, Commit, Error as StoreError, KeyedResource, Keys, ResourceWrite, StoredResource};

use crate::changed_attributes::changed_attributes;
use crate::clock::now_not_before;
use crate::error::to_post_commit_error;
use crate::get::find;
use crate::keys::{keys_of, name_of, new_id, stored_keys};
use crate::membership::{MemberChange, MemberEdges};
use crate::read_set::{ReadPlan, ReadSet};
use crate::retry::RetryLoop;
use crate::{Context, pending, represent};

/// The response to a PATCH of a group with more members than this has no body, unless the request has `attributes`.
const MAX_MEMBERS_IN_PATCH_RESPONSE: u64 = protocol::limits::MEMBERS_IN_PATCH_RESPONSE;

/// Replaces a resource. `active` and `members` keep their values where the body does not mention them.
///
/// # Errors
/// [`Error::NotFound`], [`Error::InvalidValue`], [`Error::Mutability`], [`Error::Uniqueness`],
/// [`Error::PreconditionFailed`], [`Error::PayloadTooLarge`].
pub async fn replace(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    body: &Object,
    projection: &Projection,
    precondition: &Precondition,
) -> Result<Reply, Error> {
    let mut resource = resource_type(kind).read(body, &context.exchange.caller.dialect)?;
    let members = take_members(kind, body, &mut resource)?.map(MemberOperation::Replace);
    let members = MemberChange::new(members.into_iter().collect())?;
    let requested = RequestedChange { attributes: RequestedAttributes::Replace(resource), members };
    let outcome = change(context, kind, id, projection, precondition, &requested).await?;
    outcome.reply(context, projection).await
}

/// Applies the operations of a PATCH, all or none.
///
/// # Errors
/// The errors of [`replace`] and of [`Patch`].
pub async fn patch(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    body: &Object,
    projection: &Projection,
    precondition: &Precondition,
) -> Result<Reply, Error> {
    let patch = Patch::parse(resource_type(kind), body, &context.exchange.caller.dialect)?;
    // `Patch::apply` returns the error of an invalid operation on members, after those of the operations before it.
    let members = MemberChange::new(patch.members().unwrap_or_default())?;
    let requested = RequestedChange { attributes: RequestedAttributes::Patch(patch), members };
    let outcome = change(context, kind, id, projection, precondition, &requested).await?;
    if outcome.stored.member_summary.count > MAX_MEMBERS_IN_PATCH_RESPONSE && !projection.is_requested() {
        let version = Some(protocol::entity_tag(outcome.stored.version));
        return Ok(Reply { status: 204, version, changed: outcome.attributes, ..Reply::default() });
    }
    outcome.reply(context, projection).await
}

/// The requested change, independent of the current version of the resource.
struct RequestedChange {
    attributes: RequestedAttributes,
    members: MemberChange,
}

impl RequestedChange {
    /// The attributes after the change, and the membership items to write and to delete; `None` if the group is no
    /// longer in the version that was read.
    async fn compute(
        &self,
        context: &Context<'_>,
        before: &StoredResource,
        reads: &ReadSet,
    ) -> Result<Option<(Object, MemberEdges)>, Error> {
        context.spend_on(&before.resource)?;
        let resource = self.attributes.compute(context, before.kind, &before.resource)?;
        context.spend_on(&resource)?;
        let edges = self.members.plan(context, before, reads).await?;
        Ok(edges.map(|edges| (resource, edges)))
    }
}

enum RequestedAttributes {
    Replace(Object),
    Patch(Patch),
}

impl RequestedAttributes {
    /// The attributes after the change.
    fn compute(&self, context: &Context<'_>, kind: Kind, before: &Object) -> Result<Object, Error> {
        let sent = match (self, context.bulk) {
            (Self::Patch(patch), Some(work)) => return patch.apply_within(before, work),
            (Self::Patch(patch), None) => return patch.apply(before),
            (Self::Replace(sent), _) => sent,
        };
        let mut resource = sent.clone();
        if let (Kind::User, Some(active)) = (kind, before.get("active")) {
            resource.entry("active").or_insert(active.clone());
        }
        keep_immutable(resource_type(kind), UpdateMethod::Replace, before, &mut resource)?;
        Ok(resource)
    }
}

/// The resource after a change, with the reads for the response.
struct ChangeOutcome {
    stored: StoredResource,
    reads: ReadSet,
    /// The names of the attributes that changed.
    attributes: BTreeSet<String>,
}

impl ChangeOutcome {
    async fn reply(self, context: &Context<'_>, projection: &Projection) -> Result<Reply, Error> {
        let reply = represent::reply(context, 200, self.stored, &self.reads, projection).await;
        Ok(Reply { changed: self.attributes, ..reply.map_err(to_post_commit_error)? })
    }
}

/// Loads, computes, plans and commits, and repeats this if another change was committed in between. A request that
/// changes nothing writes nothing.
async fn change(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    precondition: &Precondition,
    requested: &RequestedChange,
) -> Result<ChangeOutcome, Error> {
    let mut retry = RetryLoop::new(context);
    let mut waits = pending::Waits::default();
    loop {
        // The members that are read together with the group suffice if the commit has a condition on each of them.
        let small_delta = requested.members.small_delta().filter(|_| !retry.in_chunks());
        let (before, mut reads) = load(context, kind, id, projection, small_delta).await?;
        precondition.check(before.version, &before.last_modified)?;
        if let Some(change) = &before.member_summary.pending {
            finish_pending(context, &before.id, change, &mut retry, &mut waits).await?;
            continue;
        }
        let Some((resource, edges)) = requested.compute(context, &before, &reads).await? else {
            retry.backoff().await?;
            continue;
        };
        if resource == before.resource && edges.is_empty() {
            return Ok(ChangeOutcome { stored: before, reads, attributes: BTreeSet::new() });
        }
        let keys = retry.keys_to_free(stored_keys(context, &before).await?);
        let mut update = update(&before, keys, resource, edges)?;
        match commit_under_any_key(context, &retry, &before, &mut update, &mut reads).await {
            Ok(stored) => {
                let attributes = update.change.attributes.into_iter().collect();
                return Ok(ChangeOutcome { stored, reads, attributes });
            }
            Err(error) => retry.recover(context, kind, error).await?,
        }
    }
}

/// Reads a resource, and the data that its change and the response may need.
async fn load(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    small_delta: Option<&Delta>,
) -> Result<(StoredResource, ReadSet), Error> {
    let plan = ReadPlan::for_change(kind, id, projection, small_delta);
    // Boxed, because the futures of concurrent reads are large.
    Box::pin(try_join(find(context, kind, id), ReadSet::load(context, &plan))).await
}

/// Finishes the pending change of a resource, and pauses if the same change was pending before.
async fn finish_pending(
    context: &Context<'_>,
    id: &ResourceId,
    change: &ResourceId,
    retry: &mut RetryLoop,
    waits: &mut pending::Waits,
) -> Result<(), Error> {
    pending::finish_pending(context, id, retry.commit_deadline()).await?;
    if waits.again(context, id, change).await? {
        retry.backoff().await?;
    }
    Ok(())
}

/// Commits an update as [`commit`] does. If another resource has the key that the name gets now, the resource keeps the
/// key of an earlier version.
async fn commit_under_any_key(
    context: &Context<'_>,
    retry: &RetryLoop,
    before: &StoredResource,
    update: &mut Commit,
    reads: &mut ReadSet,
) -> Result<StoredResource, StoreError> {
    match commit(context, retry, before, update, reads).await {
        Err(StoreError::NameTaken) if keep_former_name(before, update) => {
            // A large change whose commit has failed can never be committed.
            update.change.id = new_id().map_err(|_| StoreError::Corrupt("a new id is no UUID".to_owned()))?;
            commit(context, retry, before, update, reads).await
        }
        committed => committed,
    }
}

/// Commits an update and returns the resource after it. Where the response shows the members of a small group, they
/// are read at the same time, and kept in `reads`.
async fn commit(
    context: &Context<'_>,
    retry: &RetryLoop,
    before: &StoredResource,
    update: &Commit,
    reads: &mut ReadSet,
) -> Result<StoredResource, StoreError> {
    let prefetches_members =
        reads.can_prefetch_members() && before.member_summary.count <= MAX_MEMBERS_IN_PATCH_RESPONSE;
    let members = async {
        if !prefetches_members {
            return None;
        }
        // If this fails, the response reads the members.
        context.directory.members_as_read(context.tenant(), before).await.ok()
    };
    let (committed, members) = Box::pin(join(retry.commit(context, update), members)).await;
    let committed = committed?;
    let state = pending::finish_own_commit(context, &before.id, committed, retry.response_deadline()).await;
    let after = update.resource_after(before.clone(), state);
    if let Some(members) = members {
        reads.keep_members_after_commit(members, before, &after, update);
    }
    Ok(after)
}

/// The commit of an update. `keys` are those of `before`.
fn update(before: &StoredResource, keys: Keys, resource: Object, edges: MemberEdges) -> Result<Commit, Error> {
    let kind = before.kind;
    let active = resource.get("active").filter(|active| before.resource.get("active") != Some(*active));
    let change = ChangeRecord {
        id: new_id()?,
        at: now_not_before(&before.last_modified),
        attributes: changed_attributes(&before.resource, &resource, !edges.is_empty()),
        active: active.and_then(Value::as_bool),
        previous_at: Some(before.last_modified.clone()),
    };
    let write = ResourceWrite::Update {
        expected: before.version,
        before: keys,
        after: KeyedResource { keys: keys_of(kind, &resource)?, resource },
    };
    let MemberEdges { add, remove } = edges;
    Ok(Commit { kind, id: before.id.clone(), write, add, remove, group_exits: Vec::new(), change })
}

/// Leaves the name under its key of an earlier version, if the update does not change it. Another resource has the key
/// that this release gives the name, and a client must be able to deactivate this one nevertheless.
fn keep_former_name(before: &StoredResource, update: &mut Commit) -> bool {
    let ResourceWrite::Update { before: keys, after, .. } = &mut update.write else { return false };
    let is_same_name = name_of(before.kind, &before.resource) == name_of(before.kind, &after.resource);
    let has_former_key = keys.name != after.keys.name;
    if is_same_name && has_former_key {
        after.keys.name.clone_from(&keys.name);
        after.keys.stored.name =
            BTreeMap::from([(name_of(before.kind, &before.resource).to_owned(), keys.name.clone())]);
    }
    is_same_name && has_former_key
}
