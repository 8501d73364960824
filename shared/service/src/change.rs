//! Changing a resource: PUT (RFC 7644 §3.5.1) and PATCH (§3.5.2). What a change makes of a resource is computed from the
//! version that was read, and written on condition that it still is that version; else it is read and computed again.

use futures_util::future::{join, try_join4};
use protocol::membership::{Delta, MemberOperation, fold, requires_current_members, take_members};
use protocol::{Error, Patch, PatchOutcome, Precondition, Projection, UpdateMethod, keep_immutable};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{ChangeRecord, Commit, Error as StoreError, PendingChanges, Snapshot, Stored, Write};

use crate::contest::Contest;
use crate::failure::{failed, failed_after_write};
use crate::get::find;
use crate::keys::{keys_of, new_id, now, taken};
use crate::membership::{Beside, Edges};
use crate::{Context, Reply, membership, represent, settle};

/// A PATCH of a group with more members than this is answered without a body, unless attributes are asked for.
const MEMBERS_IN_ANSWER: u64 = protocol::limits::MEMBERS_IN_PATCH_RESPONSE;

/// Replaces a resource. `active` and `members` stay as they are where the body does not mention them.
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
    let mut resource = resource_type(kind).read(body, &context.caller.dialect)?;
    let members = take_members(kind, body, &mut resource)?;
    let members = members.map(MemberOperation::Replace).into_iter().collect();
    let wanted = Wanted::Replace(PatchOutcome { resource, members });
    let (stored, beside) = change(context, kind, id, projection, precondition, &wanted).await?;
    represent::reply(context, 200, stored, beside, projection).await.map_err(failed_after_write)
}

/// Applies the operations of a PATCH, all or none.
///
/// # Errors
/// As [`replace`], and those of [`Patch`].
pub async fn patch(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    body: &Object,
    projection: &Projection,
    precondition: &Precondition,
) -> Result<Reply, Error> {
    let wanted = Wanted::Patch(Patch::parse(resource_type(kind), body, &context.caller.dialect)?);
    let (stored, beside) = change(context, kind, id, projection, precondition, &wanted).await?;
    if stored.member_summary.count > MEMBERS_IN_ANSWER && !projection.is_requested() {
        let version = Some(protocol::entity_tag(stored.version));
        return Ok(Reply { status: 204, location: None, version, body: None });
    }
    represent::reply(context, 200, stored, beside, projection).await.map_err(failed_after_write)
}

/// What a request makes of a resource, whatever the version that it meets.
enum Wanted {
    Replace(PatchOutcome),
    Patch(Patch),
}

impl Wanted {
    /// Members that are named, where that can be told without the group.
    fn named(&self) -> Option<Delta> {
        match self {
            Wanted::Patch(patch) => membership::few(patch.members().ok()?),
            Wanted::Replace(_) => None,
        }
    }

    fn compute(&self, kind: Kind, before: &Object) -> Result<PatchOutcome, Error> {
        let sent = match self {
            Wanted::Patch(patch) => return patch.apply(before),
            Wanted::Replace(sent) => sent,
        };
        let mut resource = sent.resource.clone();
        if let (Kind::User, Some(active)) = (kind, before.get("active")) {
            resource.entry("active").or_insert(active.clone());
        }
        keep_immutable(resource_type(kind), UpdateMethod::Replace, before, &mut resource)?;
        Ok(PatchOutcome { resource, members: sent.members.clone() })
    }
}

/// Reads, computes and commits until no other change comes between. A change of nothing writes nothing. What the answer shows of
/// edges is read at the same time, where it can be: the groups of a user; the members of a group of which few change.
async fn change(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    precondition: &Precondition,
    wanted: &Wanted,
) -> Result<(Stored, Option<represent::AtHand>), Error> {
    let (mut contest, named) = (Contest::new(context), wanted.named());
    loop {
        // In boxes, as what is done at once is large to hold.
        let read = Box::pin(Read::at_once(context, kind, id, projection, named.as_ref()));
        let Read { before, beside, groups, pending_changes } = read.await?;
        precondition.check(before.version)?;
        if before.member_summary.pending.is_some() {
            settle::before(context, &before.id, contest.until()).await?;
            continue;
        }
        let PatchOutcome { resource, members } = wanted.compute(kind, &before.resource)?;
        let Some(edges) = edges(context, &before, members, beside).await? else {
            contest.lost().await?;
            continue;
        };
        let groups = groups.map(represent::AtHand::Groups);
        if resource == before.resource && edges.is_empty() {
            return Ok((before, groups));
        }
        let commit = update(&before, resource, edges)?;
        let shows_members = pending_changes.is_some() && before.member_summary.count <= MEMBERS_IN_ANSWER;
        let members = membership::read_if(context, &before, shows_members);
        match Box::pin(join(contest.commit(context, &commit), members)).await {
            (Ok(committed), members) => {
                tracing::debug!(target: "change", attributes = commit.change.attributes.join(" "));
                let settled = settle::after(context, &before.id, committed, contest.answer()).await;
                let stored = commit.outcome(before.clone(), settled);
                let members =
                    members.zip(pending_changes).and_then(|read| membership::shown(read, &before, &stored, &commit));
                return Ok((stored, groups.or(members.map(represent::AtHand::Members))));
            }
            (Err(error), _) => lost(context, &mut contest, kind, error).await?,
        }
    }
}

/// Prepares another try, if one makes sense after this error of a commit.
async fn lost(context: &Context<'_>, contest: &mut Contest, kind: Kind, error: StoreError) -> Result<(), Error> {
    match error {
        StoreError::Stale => {}
        StoreError::MembersNotFound(gone) => {
            for id in &gone {
                settle::before(context, id, contest.until()).await?;
            }
        }
        StoreError::Missing => return Err(Error::not_found(kind)),
        StoreError::NameTaken => return Err(taken(kind)),
        error => return Err(failed(error)),
    }
    contest.lost().await
}

/// What is read in one step.
struct Read {
    before: Stored,
    /// The members that the change names.
    beside: Option<Beside>,
    /// The groups of a user whom the answer shows with them.
    groups: Option<Vec<ResourceId>>,
    /// Where the answer shows the members of a group of which few change.
    pending_changes: Option<PendingChanges>,
}

impl Read {
    async fn at_once(
        context: &Context<'_>,
        kind: Kind,
        id: &str,
        projection: &Projection,
        named: Option<&Delta>,
    ) -> Result<Self, Error> {
        let shows_members = kind == Kind::Group && projection.wants(resource_type(kind), "members");
        let pending_changes = async {
            match named.filter(|_| shows_members) {
                Some(_) => context.directory.pending_changes(&context.caller.tenant).await.map(Some).map_err(failed),
                None => Ok(None),
            }
        };
        let beside = membership::beside(context, ResourceId::parse(id), named);
        let groups = represent::groups_beside(context, kind, id, projection);
        let (before, beside, groups, pending_changes) =
            try_join4(find(context, kind, id), beside, groups, pending_changes).await?;
        Ok(Self { before, beside, groups, pending_changes })
    }
}

/// What operations on members come to; `None` if the group is no longer as it was read.
async fn edges(
    context: &Context<'_>,
    group: &Stored,
    operations: Vec<MemberOperation>,
    beside: Option<Beside>,
) -> Result<Option<Edges>, Error> {
    if operations.is_empty() {
        return Ok(Some(Edges::default()));
    }
    let delta = if requires_current_members(&operations) {
        let Some(all) = membership::all(context, group).await? else { return Ok(None) };
        fold(operations, &membership::objects(context, &all))?
    } else {
        fold(operations, &[])?
    };
    let (current, kinds) = match beside.filter(|beside| beside.decides(&delta)) {
        Some(Beside { present, kinds, .. }) => (Some(present), Some(kinds)),
        None => (membership::current(context, group, &delta).await?, None),
    };
    let Some(current) = current else { return Ok(None) };
    membership::plan(context, Some(&group.id), &delta, &current, kinds).await.map(Some)
}

fn update(before: &Stored, resource: Object, edges: Edges) -> Result<Commit, Error> {
    let kind = before.kind;
    let active = resource.get("active").filter(|active| before.resource.get("active") != Some(*active));
    let change = ChangeRecord {
        id: new_id()?,
        at: now(),
        attributes: attributes(&before.resource, &resource, !edges.is_empty()),
        active: active.and_then(Value::as_bool),
    };
    let write = Write::Update {
        expected: before.version,
        before: keys_of(kind, &before.resource)?,
        after: Snapshot { keys: keys_of(kind, &resource)?, resource },
    };
    let Edges { add, remove } = edges;
    Ok(Commit { kind, id: before.id.clone(), write, add, remove, leave: Vec::new(), change })
}

/// The names of the attributes in which two versions of a resource differ; those of an extension stand behind its URI
/// (RFC 7644 §3.10).
pub(crate) fn attributes(before: &Object, after: &Object, members: bool) -> Vec<String> {
    let is_extension = |name: &str| name.contains(':');
    let mut names = Vec::new();
    for name in changed(before, after) {
        let content = |resource: &Object| resource.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        match is_extension(name) {
            true => names.extend(changed(&content(before), &content(after)).map(|sub| format!("{name}:{sub}"))),
            false => names.push(name.to_owned()),
        }
    }
    if members {
        names.push("members".to_owned());
    }
    names
}

fn changed<'a>(before: &'a Object, after: &'a Object) -> impl Iterator<Item = &'a str> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
    changed.chain(gone).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_that_differ_are_named_as_a_path_names_them() {
        const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let object = |json: Value| json.as_object().unwrap().clone();
        for (before, after, members, expect) in [
            (json!({}), json!({"userName": "a", "active": true}), false, vec!["userName", "active"]),
            (json!({"title": "x", "active": true}), json!({"active": false}), false, vec!["active", "title"]),
            (json!({"displayName": "a"}), json!({"displayName": "a"}), true, vec!["members"]),
            (
                json!({E: {"department": "a", "division": "b"}}),
                json!({E: {"department": "c", "costCenter": "d"}}),
                false,
                vec!["E:department", "E:costCenter", "E:division"],
            ),
            (json!({E: {"department": "a"}}), json!({}), false, vec!["E:department"]),
        ] {
            let expect: Vec<String> = expect.into_iter().map(|name| name.replace("E:", &format!("{E}:"))).collect();
            assert_eq!(attributes(&object(before), &object(after), members), expect);
        }
    }
}
