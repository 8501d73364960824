//! Creating a resource (RFC 7644 §3.3).

use protocol::membership::{MemberOperation, fold, take_members};
use protocol::{Error, Projection, Reply};
use schema::{Kind, Object, ResourceId, resource_type};
use store::{ChangeRecord, Commit, Error as StoreError, Snapshot, Stored, Write};

use crate::error::failed;
use crate::keys::{keys_of, new_id, now, taken};
use crate::retry::Contest;
use crate::{Context, membership, pending, represent, update};

/// Creates a resource, a group with its members.
///
/// # Errors
/// [`Error::InvalidValue`], [`Error::Uniqueness`] if its name is taken, [`Error::PayloadTooLarge`] for a group with more
/// than 100,000 members.
pub async fn create(context: &Context<'_>, kind: Kind, body: &Object, projection: &Projection) -> Result<Reply, Error> {
    create_as(context, kind, new_id()?, body, projection).await
}

/// Creates a resource under an id that was made for it.
///
/// # Errors
/// As [`create`].
pub(crate) async fn create_as(
    context: &Context<'_>,
    kind: Kind,
    id: ResourceId,
    body: &Object,
    projection: &Projection,
) -> Result<Reply, Error> {
    let definition = resource_type(kind);
    let mut resource = definition.read(body, &context.exchange.caller.dialect)?;
    let wanted = take_members(kind, body, &mut resource)?.unwrap_or_default();
    let wanted = fold(vec![MemberOperation::Replace(wanted)], &[])?;
    if kind == Kind::User {
        resource.entry("active").or_insert(true.into());
    }
    let keys = keys_of(kind, &resource)?;
    let at = now();
    let mut contest = Contest::new(context);
    loop {
        let members = membership::plan(context, None, &wanted, &[], None).await?;
        let record = ChangeRecord {
            id: new_id()?,
            at: at.clone(),
            attributes: update::attributes(&Object::new(), &resource, !members.add.is_empty()),
            active: None,
        };
        let commit = Commit {
            kind,
            id: id.clone(),
            write: Write::Create { after: Snapshot { resource: resource.clone(), keys: keys.clone() } },
            add: members.add,
            remove: Vec::new(),
            leave: Vec::new(),
            change: record,
        };
        match contest.commit(context, &commit).await {
            Ok(committed) => {
                pending::after(context, &id, committed, contest.answer()).await;
                return Ok(created(context, commit, resource, projection));
            }
            Err(StoreError::NameTaken) => return Err(taken(kind)),
            // A member was deleted since it was looked up: look again.
            Err(StoreError::MembersNotFound(_)) => contest.lost().await?,
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The answer needs no read: what was committed is all there is.
fn created(context: &Context<'_>, commit: Commit, resource: Object, projection: &Projection) -> Reply {
    let (created, last_modified) = (commit.change.at.clone(), commit.change.at);
    let member_summary = store::MemberSummary::default();
    let mut stored = Stored {
        id: commit.id,
        kind: commit.kind,
        version: 1,
        created,
        last_modified,
        resource,
        member_summary,
        group_count: 0,
    };
    let mut members = commit.add;
    members.sort_by(|one, other| one.id.cmp(&other.id));
    let edges = members.iter().map(|member| represent::member(context, member)).collect();
    let resource = represent::with_edges(context, &mut stored, edges);
    Reply {
        status: 201,
        location: Some(commit.kind.location(context.exchange.base_url, &stored.id)),
        version: Some(protocol::entity_tag(1)),
        body: Some(projection.apply(resource_type(commit.kind), resource)),
        changed: commit.change.attributes.into_iter().collect(),
    }
}
