//! The members of a group: its edges, combined so that they belong to one version of the group.

use std::collections::BTreeSet;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::member::{Member, MemberMap};
use crate::clock::now_ms;
use crate::item::{self, member_checksum};
use crate::key::{self, Key, SK};
use crate::read::batch::Consistency;
use crate::read::query::CollectionQuery;
use crate::read::together::KEYS_PER_TRANSACTION;
use crate::retry::RetryBudget;
use crate::{Directory, Error, StoredResource};

/// The number of edges that are read page by page. A group with more of them is read in ranges of about this many,
/// several at the same time.
const EDGES_PER_RANGE: u64 = 4000;
const MAX_CONCURRENT_RANGES: usize = 8;

/// The attributes that are read of an edge: the id of the member, its kind, and the display name.
const EDGE: &str = "sk, #type, #display";

impl Directory {
    /// The members of a group, oldest first, with the version that has them: the one that was read, or a later one.
    /// Returns `None` if the group has been deleted.
    ///
    /// DynamoDB may show one part of a transaction before another, and reading edges takes many calls. So the edges are
    /// checked against the group's member summary. If the group has changed meanwhile, its change records describe the
    /// difference to the current version. Only if they do not explain the difference, the edges are read again.
    ///
    /// # Errors
    /// `Contended` if the group keeps changing, and the errors of [`Directory::get`].
    pub async fn members(
        &self,
        tenant: &Tenant,
        group: StoredResource,
    ) -> Result<Option<(StoredResource, Vec<Member>)>, Error> {
        let mut group = group;
        let mut retries = RetryBudget::new();
        loop {
            let read_from_ms = now_ms();
            let (members, unconfirmed) = self.members_as_of(tenant, &group).await?;
            if group.has_members(members.keys()) {
                let members = self.without_deleted(tenant, &group, members, &unconfirmed).await?;
                return Ok(Some((group, members.into_values().collect())));
            }
            let Some(now) = self.get(tenant, Kind::Group, &group.id).await? else { return Ok(None) };
            if let Some(members) = self.replay_changes(tenant, members, read_from_ms, &group, &now).await? {
                return Ok(Some((now, members.into_values().collect())));
            }
            group = now;
            if !retries.wait().await {
                return Err(Error::Contended);
            }
        }
    }

    /// The members that a group's edges show, oldest first. They may belong to any version.
    /// [`StoredResource::has_members`] checks them.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn members_as_read(&self, tenant: &Tenant, group: &StoredResource) -> Result<Vec<Member>, Error> {
        let (members, _) = self.members_as_of(tenant, group).await?;
        Ok(members.into_values().collect())
    }

    /// The members that the edges show, combined with the chunks of a pending change, and the members among them
    /// that have no edge yet.
    async fn members_as_of(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
    ) -> Result<(MemberMap, Vec<ResourceId>), Error> {
        let mut members = MemberMap::new();
        let mut unconfirmed = Vec::new();
        if group.member_summary.count == 0 {
            return Ok((members, unconfirmed));
        }
        // The chunks are read before the edges: a chunk that is applied in between is seen twice, and none is
        // missed.
        let chunks = match &group.member_summary.pending {
            Some(change) => self.chunks(tenant, change).await?,
            None => Vec::new(),
        };
        members.extend(self.edges(tenant, group).await?.into_iter().map(|member| (member.id.clone(), member)));
        for chunk in chunks.into_iter().filter(|chunk| !chunk.applied) {
            for removed in &chunk.edges.remove {
                members.remove(&removed.id);
            }
            unconfirmed.extend(chunk.edges.add.iter().map(|member| member.id.clone()));
            let present = chunk.edges.add.into_iter().chain(chunk.edges.update);
            members.extend(present.map(|member| (member.id.clone(), member)));
        }
        Ok((members, unconfirmed))
    }

    /// Removes members that have no edge yet and were deleted after the commit. At the time of the commit they
    /// existed.
    async fn without_deleted(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        mut members: MemberMap,
        unconfirmed: &[ResourceId],
    ) -> Result<MemberMap, Error> {
        if let (Some(change), false) = (&group.member_summary.pending, unconfirmed.is_empty()) {
            let deleted = self.deleted_since(tenant, change, unconfirmed).await?;
            for id in unconfirmed.iter().filter(|id| deleted.contains(*id)) {
                members.remove(id);
            }
        }
        Ok(members)
    }

    /// The members to which the group has edges.
    async fn edges(&self, tenant: &Tenant, group: &StoredResource) -> Result<Vec<Member>, Error> {
        let pk = key::members(tenant, &group.id);
        let all = || CollectionQuery { attributes: Some(EDGE), ..CollectionQuery::all(pk.clone()) };
        let count = group.member_summary.count;
        if count <= EDGES_PER_RANGE {
            return self.query_as(all(), None, Member::from_item).await;
        }
        let bounds = self.range_bounds_of(&pk, count.div_ceil(EDGES_PER_RANGE)).await?;
        let ranges = bounds.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        let reads = ranges.map(|(from, to)| {
            let query = CollectionQuery { between: Some((from, to)), ..all() };
            self.query_as(query, None, Member::from_item)
        });
        stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT_RANGES).try_concat().await
    }

    /// The bounds of about as many ranges of a collection as wanted, which together contain every id.
    pub(crate) async fn range_bounds_of(&self, pk: &str, ranges: u64) -> Result<Vec<String>, Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(pk.to_owned()) };
        let (first, last) = try_join(self.query(query, Some(1)), self.last_at_or_before(pk.to_owned(), "~")).await?;
        let (Some(first), Some(last)) = (first.first(), last) else { return Ok(Vec::new()) };
        Ok(range_bounds(item::text(first, SK)?, item::text(&last, SK)?, ranges))
    }

    /// The ids among `ids` that have an edge from the group, as members, in the order of their ids.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn members_among(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        ids: &[ResourceId],
    ) -> Result<Vec<Member>, Error> {
        let keys = ids.iter().map(|id| Key::member(tenant, group, id)).collect();
        let items = self.read_batch(keys, None, Consistency::Strong).await?;
        let mut members: Vec<_> = items.into_iter().map(Member::from_item).collect::<Result<_, _>>()?;
        members.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(members)
    }
}

impl Directory {
    /// The members among `ids` in this version of the group, in the order of their ids; `None` if the group has another
    /// version now, or is deleted. The group and the edges are read together, because DynamoDB may show the group of a
    /// version and an edge of the version before it.
    ///
    /// # Errors
    /// `Contended`, and the errors of [`Directory::get`].
    pub async fn members_in_version(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        ids: &[ResourceId],
    ) -> Result<Option<Vec<Member>>, Error> {
        let group_key = Key::resource(tenant, Kind::Group, &group.id);
        // A transaction reads no item twice.
        let ids: Vec<&ResourceId> = ids.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut members = Vec::new();
        for ids in ids.chunks(KEYS_PER_TRANSACTION - 1) {
            let edges = ids.iter().map(|id| Key::member(tenant, &group.id, id));
            let keys: Vec<Key> = std::iter::once(group_key.clone()).chain(edges).collect();
            let mut items = self.read_together(&keys).await?.into_iter();
            let Some(now) = items.next().flatten() else { return Ok(None) };
            if item::stored(Kind::Group, now)?.version != group.version {
                return Ok(None);
            }
            members.extend(items.flatten().map(Member::from_item).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Some(members))
    }
}

impl StoredResource {
    /// Whether these are the members of this version of the group, judged by their number and their checksum.
    pub fn has_members<'a>(&self, ids: impl ExactSizeIterator<Item = &'a ResourceId>) -> bool {
        ids.len() as u64 == self.member_summary.count
            && ids.map(member_checksum).sum::<u64>() == self.member_summary.checksum
    }
}

/// The bounds of about as many ranges as wanted, which together contain every id. The ranges divide the time
/// between the first and the last id, because an id begins with the time when it was generated. No inner bound can
/// be an id.
fn range_bounds(first: &str, last: &str, ranges: u64) -> Vec<String> {
    let time_ms =
        |id: &str| u64::from_str_radix(&id.replace('-', "").chars().take(12).collect::<String>(), 16).unwrap_or(0);
    let from = time_ms(first);
    let to = time_ms(last);
    let step = (to.saturating_sub(from) / ranges.max(1)).max(1);
    let times = (1..ranges).map(|n| from + n * step).filter(|time_ms| *time_ms <= to);
    let inner = times.map(|time_ms| format!("{:08x}-{:04x}", time_ms >> 16, time_ms & 0xffff));
    std::iter::once(" ".to_owned()).chain(inner).chain(["~".to_owned()]).collect()
}
