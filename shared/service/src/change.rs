//! Changing a resource: PUT (RFC 7644 §3.5.1) and PATCH (§3.5.2). What a change makes of a resource is computed from the
//! version that was read, and written on condition that it still is that version; else it is read and computed again.

use futures_util::future::try_join3;
use protocol::membership::{Delta, MemberOperation, fold, needs_current, take_members};
use protocol::{Change, Error, Patch, Patched, Precondition, Projection, keep_immutable};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{ChangeRecord, Commit, Error as StoreError, Snapshot, Stored, Write};

use crate::contest::Contest;
use crate::failure::{failed, failed_after_write};
use crate::get::find;
use crate::keys::{keys_of, new_id, now, taken};
use crate::membership::{Beside, Edges};
use crate::{Context, Reply, membership, represent, settle};

/// A PATCH of a group with more members than this is answered without a body, unless attributes are asked for.
const MEMBERS_IN_ANSWER: u64 = 1000;

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
    let wanted = Wanted::Replace(Patched { resource, members });
    let (stored, groups) = change(context, kind, id, projection, precondition, &wanted).await?;
    represent::reply(context, 200, stored, groups, projection).await.map_err(failed_after_write)
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
    let (stored, groups) = change(context, kind, id, projection, precondition, &wanted).await?;
    if stored.roster.count > MEMBERS_IN_ANSWER && !projection.is_asked_for() {
        let version = Some(protocol::entity_tag(stored.version));
        return Ok(Reply { status: 204, location: None, version, body: None });
    }
    represent::reply(context, 200, stored, groups, projection).await.map_err(failed_after_write)
}

/// What a request makes of a resource, whatever the version that it meets.
enum Wanted {
    Replace(Patched),
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

    fn compute(&self, kind: Kind, before: &Object) -> Result<Patched, Error> {
        let sent = match self {
            Wanted::Patch(patch) => return patch.apply(before),
            Wanted::Replace(sent) => sent,
        };
        let mut resource = sent.resource.clone();
        if let (Kind::User, Some(active)) = (kind, before.get("active")) {
            resource.entry("active").or_insert(active.clone());
        }
        keep_immutable(resource_type(kind), Change::Replace, before, &mut resource)?;
        Ok(Patched { resource, members: sent.members.clone() })
    }
}

/// Reads, computes and commits until no other change comes between. A change of nothing writes nothing. Beside the resource, the
/// groups of a user, if the answer is to show them.
async fn change(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    projection: &Projection,
    precondition: &Precondition,
    wanted: &Wanted,
) -> Result<(Stored, Option<Vec<ResourceId>>), Error> {
    let (mut contest, named) = (Contest::new(context), wanted.named());
    loop {
        let beside = membership::beside(context, ResourceId::parse(id), named.as_ref());
        let groups = represent::groups_beside(context, kind, id, projection);
        let (before, beside, groups) = try_join3(find(context, kind, id), beside, groups).await?;
        precondition.check(before.version)?;
        if before.roster.pending.is_some() {
            settle::before(context, &before.id, contest.until()).await?;
            continue;
        }
        let Patched { resource, members } = wanted.compute(kind, &before.resource)?;
        let Some(edges) = edges(context, &before, members, beside).await? else {
            contest.lost().await?;
            continue;
        };
        if resource == before.resource && edges.is_empty() {
            return Ok((before, groups));
        }
        let commit = update(&before, resource, edges)?;
        match contest.commit(context, &commit).await {
            Ok(committed) => {
                tracing::debug!(target: "change", attributes = commit.change.attributes.join(" "));
                let settled = settle::after(context, &before.id, committed, contest.answer()).await;
                return Ok((commit.outcome(before, settled), groups));
            }
            Err(StoreError::Stale) => contest.lost().await?,
            Err(StoreError::MemberMissing(gone)) => {
                for id in &gone {
                    settle::before(context, id, contest.until()).await?;
                }
                contest.lost().await?;
            }
            Err(StoreError::Missing) => return Err(Error::no_such(kind)),
            Err(StoreError::Taken) => return Err(taken(kind)),
            Err(error) => return Err(failed(error)),
        }
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
    let delta = if needs_current(&operations) {
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
