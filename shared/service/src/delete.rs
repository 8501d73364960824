//! Deleting a resource (RFC 7644 §3.6): it goes in one commit, with its names, and with its edges if they are few; else they
//! count no longer from then on, and go afterwards.

use futures_util::future::try_join;
use protocol::{Error, Precondition};
use schema::{Kind, ResourceId};
use store::{ChangeRecord, Commit, Error as StoreError, GroupExit, PendingChanges, RemainingEdges, Stored, Write};

use crate::contest::Contest;
use crate::failure::failed;
use crate::keys::{keys_of, new_id, now};
use crate::{Context, Reply, membership, settle};

/// So many edges go with the resource itself, if the transaction has room for them beside its other items.
const EDGES: u64 = 30;

/// Deletes a resource, and takes it out of every group.
///
/// # Errors
/// [`Error::NotFound`], also for a resource that is deleted already; what such a delete may have left undone is done first.
pub async fn delete(context: &Context<'_>, kind: Kind, id: &str, precondition: &Precondition) -> Result<Reply, Error> {
    let id = ResourceId::parse(id).ok_or_else(|| Error::not_found(kind))?;
    let mut contest = Contest::new(context);
    loop {
        let (directory, tenant) = (context.directory, &context.caller.tenant);
        let none = PendingChanges::default();
        let (stored, groups) = try_join(directory.get(tenant, kind, &id), directory.groups_of(tenant, &id, &none))
            .await
            .map_err(failed)?;
        let Some(stored) = stored else {
            settle::before(context, &id, contest.until()).await?;
            return Err(Error::not_found(kind));
        };
        precondition.check(stored.version)?;
        let Some(commit) = commit(context, &stored, &groups).await? else {
            contest.lost().await?;
            continue;
        };
        match contest.commit(context, &commit).await {
            Ok(committed) => {
                settle::after(context, &id, committed, contest.answer()).await;
                return Ok(Reply { status: 204, location: None, version: None, body: None });
            }
            Err(StoreError::Stale) => contest.lost().await?,
            Err(StoreError::MembersNotFound(gone)) => {
                for id in &gone {
                    settle::before(context, id, contest.until()).await?;
                }
                contest.lost().await?;
            }
            Err(StoreError::Missing) => return Err(Error::not_found(kind)),
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The delete with all edges that one transaction holds; `None` if they are no longer as they were read.
async fn commit(context: &Context<'_>, stored: &Stored, groups: &[ResourceId]) -> Result<Option<Commit>, Error> {
    let (mut leave, mut remove, mut rest) = (Vec::new(), Vec::new(), RemainingEdges::Absent);
    let tenant = &context.caller.tenant;
    let edges = groups.len() as u64 + stored.member_summary.count;
    if edges > EDGES || stored.member_summary.pending.is_some() {
        rest = RemainingEdges::Present { pending: stored.member_summary.pending.clone() };
    } else if edges > 0 {
        let Some(members) = membership::all(context, stored).await? else { return Ok(None) };
        let found = context.directory.get_many(tenant, Kind::Group, groups).await.map_err(failed)?;
        // A group that is being deleted lets go of its members by itself, one with a pending change later; and an item can be
        // changed once in a transaction.
        let is_ready = |group: &Stored| {
            group.member_summary.pending.is_none() && members.iter().all(|member| member.id != group.id)
        };
        if found.len() < groups.len() || !found.iter().all(is_ready) {
            rest = RemainingEdges::Present { pending: None };
        } else {
            leave = found.into_iter().map(|it| GroupExit { group: it.id, version: it.version }).collect();
            remove = members;
        }
    }
    let write = Write::Delete {
        expected: stored.version,
        before: keys_of(stored.kind, &stored.resource)?,
        groups: groups.len() as u64,
        rest,
    };
    let change = ChangeRecord { id: new_id()?, at: now(), attributes: Vec::new(), active: None };
    Ok(Some(Commit { kind: stored.kind, id: stored.id.clone(), write, add: Vec::new(), remove, leave, change }))
}
