//! The end of a deleted resource's edges: those of its members, if it was a group, and those of the groups that it was in.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schema::{Kind, ResourceId};

use crate::commit::Failure;
use crate::item;
use crate::key::{self, Key};
use crate::membership::apply::{SettleState, Work, all_done};
use crate::membership::chunk;
use crate::membership::{Edges, leave};
use crate::paging::page::CollectionQuery;
use crate::retry::RetryBudget;
use crate::{Directory, Error, GroupExit, Member};

/// How many edges of a dissolving group are read at a time.
const READ: usize = 1000;

impl Directory {
    /// Nothing can be added to a resource that is gone, nor it to another, so what is found here is all there is.
    pub(crate) async fn settle_delete(&self, work: Work<'_>) -> Result<SettleState, Error> {
        let is_done = match work.item.kind {
            Kind::User => true,
            Kind::Group => self.close(work).await? && self.dissolve(work).await?,
        };
        if !is_done || !self.leave_all(work).await? {
            return Ok(SettleState::Unfinished);
        }
        self.delete_batch([Key::pending_changes(work.tenant, work.id)].into()).await?;
        Ok(SettleState::Done)
    }

    /// From here on no part of a change that was pending can be applied.
    async fn close(&self, work: Work<'_>) -> Result<bool, Error> {
        let Some(change) = &work.item.change else { return Ok(true) };
        let nothing = Edges::default();
        let parts = self.parts(work.tenant, &item::id(change)?).await?;
        let open: Vec<_> = parts.iter().filter(|part| !part.applied).collect();
        let closed = open.iter().map(|part| self.apply(work, Some(part), &nothing)).collect::<Vec<_>>();
        all_done(closed).await
    }

    async fn dissolve(&self, work: Work<'_>) -> Result<bool, Error> {
        loop {
            let query = CollectionQuery::all(key::members(work.tenant, work.id));
            let items = self.query(query, Some(READ)).await?;
            if items.is_empty() {
                return Ok(true);
            }
            let remove: Vec<Member> =
                items.into_iter().map(crate::membership::read::member).collect::<Result<_, _>>()?;
            let shares = chunk::cut(&Edges { remove, ..Edges::default() });
            let done = shares.iter().map(|share| self.apply(work, None, share)).collect::<Vec<_>>();
            if !all_done(done).await? {
                return Ok(false);
            }
        }
    }

    async fn leave_all(&self, work: Work<'_>) -> Result<bool, Error> {
        let groups = self.group_edges(work.tenant, work.id).await?;
        let left = groups.iter().map(|group| self.leave(work, group)).collect::<Vec<_>>();
        all_done(left).await
    }

    /// Boxed, because a group that is left may itself have something to settle.
    fn leave<'a>(&'a self, work: Work<'a>, group: &'a ResourceId) -> BoxFuture<'a, Result<bool, Error>> {
        async move {
            let mut retries = RetryBudget::new();
            loop {
                if work.is_late() {
                    return Ok(false);
                }
                let Some(stored) = self.get(work.tenant, Kind::Group, group).await? else {
                    return self.forget_edges(work, group).await.map(|()| true);
                };
                if stored.member_summary.pending.is_some() {
                    if self.settle(work.tenant, group, work.until).await? == SettleState::Unfinished {
                        return Ok(false);
                    }
                    continue;
                }
                let from = GroupExit { group: group.clone(), version: stored.version };
                let mut actions = Vec::from(leave(&self.table, work.tenant, work.id, &from, &work.item.at)?);
                let removed = vec![work.id.to_string()];
                actions.push(self.record_of_group(work.tenant, work.item, group, stored.version, removed)?);
                match self.transact(&actions).await {
                    Ok(()) => return Ok(true),
                    Err(Failure::Final(Error::Stale)) => {}
                    Err(Failure::Done) => return Ok(true),
                    Err(Failure::Passing(error) | Failure::Final(error)) => return Err(error),
                }
                if self.members_among(work.tenant, group, std::slice::from_ref(work.id)).await?.is_empty() {
                    return self.forget_edges(work, group).await.map(|()| true);
                }
                if !retries.wait().await {
                    return Err(Error::Contended);
                }
            }
        }
        .boxed()
    }

    /// Of a group that is gone, or has lost this member already.
    async fn forget_edges(&self, work: Work<'_>, group: &ResourceId) -> Result<(), Error> {
        let edges = [Key::member(work.tenant, group, work.id), Key::member_of(work.tenant, work.id, group)];
        self.delete_batch(edges.into()).await
    }
}
