//! Large changes of members: more than one transaction holds. They are written down in parts before the commit, and each part
//! is applied to the edges by one transaction that also marks it as applied, so that nothing is applied twice or late.

use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use protocol::{Tenant, event};
use schema::ResourceId;

use crate::commit::record::now;
use crate::item::{self, Item, PartItem, PartMember};
use crate::key::{self, Key, SK};
use crate::membership::{Edges, edge};
use crate::paging::page::CollectionQuery;
use crate::table::unbuilt;
use crate::{Commit, Directory, Error, Member};

/// So many members fit into one transaction: each takes three items, and the part and a correction of the group the rest.
const MEMBERS: usize = 32;
/// So many bytes at the most, so that an item holds them; a single member may take more.
const BYTES: usize = 100 * 1024;
/// What was never committed disappears after this. What was committed is applied long before; its parts are kept as records.
const UNAPPLIED_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// A part, as it lies in the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) key: Key,
    pub(crate) edges: Edges,
    pub(crate) applied: bool,
}

/// Cuts a change into what one transaction holds.
pub(crate) fn cut(edges: &Edges) -> Vec<Edges> {
    type Put = fn(&mut Edges, Member);
    let all = |members: &[Member], put: Put| members.iter().map(|it| (it.clone(), put)).collect::<Vec<_>>();
    let mut members = all(&edges.add, |edges, member| edges.add.push(member));
    members.extend(all(&edges.show, |edges, member| edges.show.push(member)));
    members.extend(all(&edges.remove, |edges, member| edges.remove.push(member)));
    members.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    let (mut parts, mut bytes): (Vec<Edges>, usize) = (Vec::new(), 0);
    for (member, put) in members {
        bytes += 100 + member.display.as_ref().map_or(0, String::len);
        match parts.last_mut().filter(|part| part.len() < MEMBERS && bytes <= BYTES) {
            Some(part) => put(part, member),
            None => {
                let mut part = Edges::default();
                bytes = 100 + member.display.as_ref().map_or(0, String::len);
                put(&mut part, member);
                parts.push(part);
            }
        }
    }
    parts
}

impl Directory {
    /// Writes the parts of a change that is about to be committed. Until then nobody looks at them.
    pub(crate) async fn write_parts(&self, tenant: &Tenant, commit: &Commit, parts: &[Edges]) -> Result<(), Error> {
        let expires = now() + UNAPPLIED_KEPT.as_secs();
        let puts = parts.iter().map(|edges| {
            let item = item::with_key(&key_of(tenant, &commit.change.id, edges)?, &item_of(edges, expires))?;
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(unbuilt)?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        self.write_batch(puts.collect::<Result<_, Error>>()?).await
    }

    /// Deletes the parts of a change that was not committed; whatever comes of it, they would expire.
    pub(crate) async fn forget_parts(&self, tenant: &Tenant, commit: &Commit, parts: &[Edges]) {
        let keys = parts.iter().filter_map(|edges| key_of(tenant, &commit.change.id, edges).ok());
        if let Err(error) = self.delete_batch(keys.collect()).await {
            tracing::warn!(cause = %error, "the parts of a change that was not made are left to expire");
        }
    }

    /// The parts of a change.
    pub(crate) async fn parts(&self, tenant: &Tenant, change: &ResourceId) -> Result<Vec<Part>, Error> {
        let items = self.query(CollectionQuery::all(key::parts(tenant, change)), None).await?;
        items.into_iter().map(|item| part(tenant, change, item)).collect()
    }

    /// The part of a change that is about a member, if there is one.
    pub(crate) async fn part_about(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
        member: &ResourceId,
    ) -> Result<Option<Part>, Error> {
        let item = self.last_until(key::parts(tenant, change), member.as_str()).await?;
        item.map(|item| part(tenant, change, item)).transpose()
    }

    /// Who came and who went by a large change, whose record says that it is in parts; always in the same order.
    pub async fn chunks_of_change(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
    ) -> Result<Vec<event::MemberDelta>, Error> {
        let ids = |members: Vec<Member>| members.into_iter().map(|member| member.id).collect();
        let parts = self.parts(tenant, change).await?.into_iter().map(|part| part.edges);
        Ok(parts.map(|edges| event::MemberDelta { added: ids(edges.add), removed: ids(edges.remove) }).collect())
    }
}

fn key_of(tenant: &Tenant, change: &ResourceId, edges: &Edges) -> Result<Key, Error> {
    let ids = [&edges.add, &edges.show, &edges.remove].into_iter().filter_map(|members| members.first());
    let first = ids.map(|member| &member.id).min();
    Ok(Key::part(tenant, change, first.ok_or_else(|| Error::Corrupt("a part is about nobody".to_owned()))?))
}

fn item_of(edges: &Edges, expires: u64) -> PartItem {
    let members = |members: &[Member]| -> Vec<PartMember> {
        members.iter().map(|member| PartMember { id: member.id.to_string(), edge: edge(member) }).collect()
    };
    let (add, show, remove) = (members(&edges.add), members(&edges.show), members(&edges.remove));
    PartItem { add, show, remove, applied: false, expires }
}

fn part(tenant: &Tenant, change: &ResourceId, item: Item) -> Result<Part, Error> {
    let first = item::id(item::text(&item, SK)?)?;
    let PartItem { add, show, remove, applied, .. } = item::body(item)?;
    let member = |it: PartMember| Ok(Member { id: item::id(&it.id)?, kind: it.edge.kind, display: it.edge.display });
    let members = |list: Vec<PartMember>| list.into_iter().map(member).collect::<Result<Vec<_>, Error>>();
    let edges = Edges { add: members(add)?, show: members(show)?, remove: members(remove)? };
    Ok(Part { key: Key::part(tenant, change, &first), edges, applied })
}
