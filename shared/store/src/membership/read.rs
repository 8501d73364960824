//! Who is in a group: edges, one item for each direction, read so that they are those of one version of the group.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::commit::record::now_in_milliseconds;
use crate::item::{self, Item, MemberItem, member_checksum};
use crate::key::{self, Key, SK};
use crate::paging::page::CollectionQuery;
use crate::read::batch::{Consistency, MAX_CONCURRENT};
use crate::retry::RetryBudget;
use crate::{Directory, Error, Stored};

/// Up to so many edges are read one page after the other; more of them in so many each at once.
const IN_A_ROW: u64 = 4000;

pub(crate) type Members = BTreeMap<ResourceId, Member>;

/// A member of a group, as the group's edge has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: ResourceId,
    pub kind: Kind,
    /// As it was sent.
    pub display: Option<String>,
}

impl Directory {
    /// The members of a group, oldest first, and the version that has them: the one that was read, or a later one; `None` if
    /// the group is gone by now.
    ///
    /// DynamoDB may show one part of a transaction before another, and edges take many calls to read. So they are compared
    /// with what the group knows of them. If it has changed meanwhile, its records say what is different in the version that it
    /// has now; only where these do not explain it either, the edges are read again.
    pub async fn members(&self, tenant: &Tenant, group: Stored) -> Result<Option<(Stored, Vec<Member>)>, Error> {
        let (mut group, mut retries) = (group, RetryBudget::new());
        loop {
            let begun = now_in_milliseconds();
            let (members, unsure) = self.members_as_of(tenant, &group).await?;
            if group.has_members(members.keys()) {
                let members = self.without_deleted(tenant, &group, members, &unsure).await?;
                return Ok(Some((group, members.into_values().collect())));
            }
            let Some(now) = self.get(tenant, Kind::Group, &group.id).await? else { return Ok(None) };
            if let Some(members) = self.caught_up(tenant, members, begun, &group, &now).await? {
                return Ok(Some((now, members.into_values().collect())));
            }
            group = now;
            if !retries.wait().await {
                return Err(Error::Contended);
            }
        }
    }

    /// The members that a group's edges show, oldest first, of whatever version: see [`Stored::has_members`].
    pub async fn members_as_read(&self, tenant: &Tenant, group: &Stored) -> Result<Vec<Member>, Error> {
        let (members, _) = self.members_as_of(tenant, group).await?;
        Ok(members.into_values().collect())
    }

    /// What the edges show, with the parts of a pending change laid over them; and who of these has no edge yet.
    async fn members_as_of(&self, tenant: &Tenant, group: &Stored) -> Result<(Members, Vec<ResourceId>), Error> {
        let (mut members, mut unsure) = (Members::new(), Vec::new());
        if group.member_summary.count == 0 {
            return Ok((members, unsure));
        }
        // A part that is applied meanwhile is seen twice, and none is missed.
        let parts = match &group.member_summary.pending {
            Some(change) => self.parts(tenant, change).await?,
            None => Vec::new(),
        };
        for item in self.edges(tenant, group).await? {
            let member = member(item)?;
            members.insert(member.id.clone(), member);
        }
        let open = parts.into_iter().filter(|part| !part.applied);
        for edges in open.map(|part| part.edges) {
            edges.remove.iter().for_each(|member| drop(members.remove(&member.id)));
            unsure.extend(edges.add.iter().map(|member| member.id.clone()));
            members.extend(edges.add.into_iter().chain(edges.show).map(|member| (member.id.clone(), member)));
        }
        Ok((members, unsure))
    }

    /// Who has no edge yet was there before the commit, and may have been deleted since.
    async fn without_deleted(
        &self,
        tenant: &Tenant,
        group: &Stored,
        mut members: Members,
        unsure: &[ResourceId],
    ) -> Result<Members, Error> {
        if let (Some(change), false) = (&group.member_summary.pending, unsure.is_empty()) {
            let deleted = self.deleted_since(tenant, change).await?;
            unsure.iter().filter(|id| deleted.contains(*id)).for_each(|id| drop(members.remove(id)));
        }
        Ok(members)
    }

    async fn edges(&self, tenant: &Tenant, group: &Stored) -> Result<Vec<Item>, Error> {
        let pk = key::members(tenant, &group.id);
        if group.member_summary.count <= IN_A_ROW {
            return self.query(CollectionQuery::all(pk), None).await;
        }
        let first = self.query(CollectionQuery::all(pk.clone()), Some(1));
        let (first, last) = try_join(first, self.last_until(pk.clone(), "~")).await?;
        let (Some(first), Some(last)) = (first.first(), last) else { return Ok(Vec::new()) };
        let bounds =
            bounds(item::text(first, SK)?, item::text(&last, SK)?, group.member_summary.count.div_ceil(IN_A_ROW));
        let ranges = bounds.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        let reads = ranges.map(|(from, to)| {
            let query = CollectionQuery { between: Some((from, to)), ..CollectionQuery::all(pk.clone()) };
            self.query(query, None)
        });
        stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT).try_concat().await
    }

    /// Those of `ids` that have an edge to the group, in the order of their ids.
    pub async fn members_among(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        ids: &[ResourceId],
    ) -> Result<Vec<Member>, Error> {
        let keys = ids.iter().map(|id| Key::member(tenant, group, id)).collect();
        let items = self.read_batch(keys, None, Consistency::Strong).await?;
        let mut members: Vec<_> = items.into_iter().map(member).collect::<Result<_, _>>()?;
        members.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(members)
    }
}

impl Stored {
    /// Whether these are the members of this version of the group.
    pub fn has_members<'a>(&self, ids: impl ExactSizeIterator<Item = &'a ResourceId>) -> bool {
        ids.len() as u64 == self.member_summary.count
            && ids.map(member_checksum).sum::<u64>() == self.member_summary.checksum
    }
}

/// Bounds of about as many ranges as wanted, which hold everything: ids are spread by the time when they were made. No bound
/// but the first and the last can be an id.
fn bounds(first: &str, last: &str, ranges: u64) -> Vec<String> {
    let time =
        |id: &str| u64::from_str_radix(&id.replace('-', "").chars().take(12).collect::<String>(), 16).unwrap_or(0);
    let (from, to) = (time(first), time(last));
    let step = (to.saturating_sub(from) / ranges.max(1)).max(1);
    let inner = (1..ranges).map(|n| from + n * step).filter(|time| *time <= to);
    let inner = inner.map(|time| format!("{:08x}-{:04x}", time >> 16, time & 0xffff));
    std::iter::once(" ".to_owned()).chain(inner).chain(["~".to_owned()]).collect()
}

pub(crate) fn member(item: Item) -> Result<Member, Error> {
    let id = item::id(item::text(&item, SK)?)?;
    let edge: MemberItem = item::body(item)?;
    Ok(Member { id, kind: edge.kind, display: edge.display })
}
