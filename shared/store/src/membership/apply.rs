//! Completing what a commit has left to do. Whoever comes by may do it, several at once too, and it may be broken off
//! anywhere: each transaction does its share once.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::{Bool, S};
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::commit::Failure;
use crate::commit::action::{self, Action, Meaning, number};
use crate::commit::record::now_in_milliseconds;
use crate::item::{self, Item, PendingItem};
use crate::key::Key;
use crate::membership::chunk::Part;
use crate::membership::{Edges, cut};
use crate::read::batch::MAX_CONCURRENT;
use crate::{Directory, Error, Member};

/// After a throttled transaction, which has been tried a few times already.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether anything is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleState {
    Done,
    /// The time was over before the work was.
    Unfinished,
}

/// What is being completed.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) id: &'a ResourceId,
    pub(crate) item: &'a PendingItem,
    /// Nothing is begun after this.
    pub(crate) until: Instant,
}

impl Work<'_> {
    pub(crate) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }
}

impl Directory {
    /// Completes what commits have left to do for a resource: a large change of members, or the end of its edges after its
    /// delete. It is safe at any time, and begins nothing after `until`.
    pub async fn settle(&self, tenant: &Tenant, id: &ResourceId, until: Instant) -> Result<SettleState, Error> {
        loop {
            let Some(item) = self.read(&Key::pending_changes(tenant, id)).await? else { return Ok(SettleState::Done) };
            let item: PendingItem = item::body(item)?;
            let work = Work { tenant, id, item: &item, until };
            if work.is_late() {
                return Ok(SettleState::Unfinished);
            }
            let settled = match &item.change {
                Some(change) if !item.deleted => self.settle_members(work, &item::id(change)?).await?,
                _ => self.settle_delete(work).await?,
            };
            if settled == SettleState::Unfinished {
                return Ok(settled);
            }
        }
    }

    async fn settle_members(&self, work: Work<'_>, change: &ResourceId) -> Result<SettleState, Error> {
        let parts = self.parts(work.tenant, change).await?;
        if parts.len() < work.item.parts {
            return Err(Error::Corrupt("parts of a change are gone before they were applied".to_owned()));
        }
        let open: Vec<Part> = parts.into_iter().filter(|part| !part.applied).collect();
        let applied = open.iter().map(|part| self.apply(work, Some(part), &part.edges)).collect::<Vec<_>>();
        if !all_done(applied).await? {
            return Ok(SettleState::Unfinished);
        }
        let is_this = || Item::from([("change".to_owned(), S(change.to_string()))]);
        let settled = Item::from([("settled".to_owned(), number(now_in_milliseconds()))]);
        let group = Key::resource(work.tenant, Kind::Group, work.id);
        let (marker, last) = (Key::pending_changes(work.tenant, work.id), Key::last_settled(work.tenant));
        let actions = [
            action::update(
                &self.table,
                &group,
                "REMOVE #pending",
                Some("#pending = :change"),
                is_this(),
                Meaning::Done,
            )?,
            action::delete(&self.table, &marker, Some(("#change = :change", is_this())), Meaning::Done)?,
            action::update(&self.table, &last, "SET #settled = :settled", None, settled, Meaning::Invariant)?,
        ];
        self.once(&actions).await.map(|_| SettleState::Done)
    }

    /// Brings edges to what they are to be, by one transaction; the part that says so is marked as applied by the same one.
    /// False if there was no time for it.
    pub(crate) async fn apply(&self, work: Work<'_>, part: Option<&Part>, edges: &Edges) -> Result<bool, Error> {
        let mut actions = edges.actions(&self.table, work.tenant, work.id)?;
        loop {
            if work.is_late() {
                return Ok(false);
            }
            actions.extend(part.map(|part| self.fence(part)).transpose()?);
            // Others have done it all.
            if actions.is_empty() {
                return Ok(true);
            }
            match self.once(&actions).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // Nothing was done. There is time until there is none.
                Err(Error::Throttled | Error::Contended) => {
                    tokio::time::sleep(PAUSE).await;
                    actions = edges.actions(&self.table, work.tenant, work.id)?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            match self.corrected(work, part.is_some(), edges).await? {
                Some(corrected) => actions = corrected,
                None => return Ok(true),
            }
        }
    }

    /// Sends a transaction; false if somebody or something that it is about is not as it was thought to be.
    async fn once(&self, actions: &[Action]) -> Result<bool, Error> {
        match self.transact(actions).await {
            Ok(()) | Err(Failure::Done) => Ok(true),
            Err(Failure::Final(Error::Stale | Error::MembersNotFound(_))) => Ok(false),
            Err(Failure::Passing(error) | Failure::Final(error)) => Err(error),
        }
    }

    /// Marks a part as applied, which can be done once.
    pub(crate) fn fence(&self, part: &Part) -> Result<Action, Error> {
        let values = Item::from([
            ("yes".to_owned(), Bool(true)),
            ("no".to_owned(), Bool(false)),
            ("until".to_owned(), number(self.kept_until())),
        ]);
        let set = "SET #applied = :yes, #expires = :until";
        action::update(&self.table, &part.key, set, Some("#applied = :no"), values, Meaning::Done)
    }

    /// The actions that bring edges to what they are to be from what they really are: a member may have been deleted since
    /// the commit. What the group has counted by then is put right. `None` if there is no such group to have members.
    async fn corrected(&self, work: Work<'_>, is_counted: bool, edges: &Edges) -> Result<Option<Vec<Action>>, Error> {
        let seen = self.observe(work, edges).await?;
        let mut actions = seen.edges.actions(&self.table, work.tenant, work.id)?;
        for orphan in &seen.orphans {
            actions.extend(cut(&self.table, work.tenant, work.id, orphan)?);
        }
        if !is_counted {
            return Ok(Some(actions));
        }
        let Some(group) = self.get(work.tenant, Kind::Group, work.id).await? else { return Ok(None) };
        let lost = Edges { remove: removed_or_absent(edges, &seen), ..Edges::default() };
        let orphans: Vec<Member> = edges.remove.iter().filter(|it| seen.orphans.contains(&it.id)).cloned().collect();
        let orphans = Edges { remove: orphans, ..Edges::default() };
        let gain = seen.edges.gain() + orphans.gain() - edges.gain();
        let checksum = seen.edges.checksum() + orphans.checksum() - edges.checksum();
        if gain != 0 || checksum != 0 {
            let values = Item::from([
                ("gain".to_owned(), number(gain)),
                ("marks".to_owned(), number(checksum)),
                ("next".to_owned(), number(group.version + 1)),
                ("expected".to_owned(), number(group.version)),
                ("at".to_owned(), S(work.item.at.clone())),
            ]);
            let set = "SET #memberCount = #memberCount + :gain, #memberMarks = #memberMarks + :marks, #version = :next, \
                       #lastModified = :at";
            let key = Key::resource(work.tenant, Kind::Group, work.id);
            actions.push(action::update(&self.table, &key, set, Some("#version = :expected"), values, Meaning::Edge)?);
            let lost = lost.remove.iter().map(|member| member.id.to_string()).collect();
            actions.push(self.record_of_group(work.tenant, work.item, work.id, group.version, lost)?);
        }
        Ok(Some(actions))
    }

    async fn observe(&self, work: Work<'_>, edges: &Edges) -> Result<Seen, Error> {
        let members = edges.add.iter().chain(&edges.show).chain(&edges.remove);
        let ids: Vec<ResourceId> = members.map(|member| member.id.clone()).collect();
        let (present, kinds) =
            try_join(self.members_among(work.tenant, work.id, &ids), self.existing(work.tenant, &ids)).await?;
        let present: BTreeSet<ResourceId> = present.into_iter().map(|member| member.id).collect();
        Ok(Seen::of(edges, &present, &kinds))
    }
}

/// What can be done of a change.
struct Seen {
    edges: Edges,
    /// Members to remove who are gone themselves.
    orphans: BTreeSet<ResourceId>,
}

impl Seen {
    fn of(edges: &Edges, present: &BTreeSet<ResourceId>, kinds: &HashMap<ResourceId, Kind>) -> Self {
        let some = |members: &[Member], wanted: &dyn Fn(&ResourceId) -> bool| -> Vec<Member> {
            members.iter().filter(|member| wanted(&member.id)).cloned().collect()
        };
        let exists = |id: &ResourceId| kinds.contains_key(id);
        let orphans = some(&edges.remove, &|id| present.contains(id) && !exists(id));
        Self {
            edges: Edges {
                add: some(&edges.add, &|id| !present.contains(id) && exists(id)),
                show: some(&edges.show, &|id| present.contains(id)),
                remove: some(&edges.remove, &|id| present.contains(id) && exists(id)),
            },
            orphans: orphans.into_iter().map(|member| member.id).collect(),
        }
    }
}

/// Who was to come and cannot, because they are gone.
fn removed_or_absent(edges: &Edges, seen: &Seen) -> Vec<Member> {
    let came = |id: &ResourceId| seen.edges.add.iter().any(|member| member.id == *id);
    edges.add.iter().filter(|member| !came(&member.id)).cloned().collect()
}

/// Runs several at once; whether all of them could be done.
pub(crate) async fn all_done(work: Vec<impl Future<Output = Result<bool, Error>>>) -> Result<bool, Error> {
    stream::iter(work).buffer_unordered(MAX_CONCURRENT).try_fold(true, |all, one| async move { Ok(all && one) }).await
}
