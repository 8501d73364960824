//! Chunks of a large change of members, which holds more than one transaction can. They are written before the
//! commit, and each is applied to the edges by a transaction that also marks it as applied, so that no chunk is
//! applied twice or too late.

use aws_sdk_dynamodb::types::AttributeValue::{self, Bool};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::{Tenant, event};
use schema::ResourceId;

use super::edge_changes::EdgeChanges;
use super::member::Member;
use super::split::halves;
use super::state::SettleTask;
use crate::attributes::Item;
use crate::error::classify;
use crate::expression::ABSENT;
use crate::item::{self, ChunkItem, ChunkMember, MemberItem, MemberLists};
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::read::together::KEYS_PER_TRANSACTION;
use crate::retry::RetryBudget;
use crate::transaction::action::{self, ConditionFailure};
use crate::transaction::transact::TransactError;
use crate::{Directory, Error};

/// The number of chunks that are written at the same time.
const MAX_CONCURRENT_WRITES: usize = 16;
/// The number of transactions that read at the same time.
const MAX_CONCURRENT_READS: usize = 8;

/// The end of the year 9999, in seconds since 1970.
const NEVER: u64 = 253_402_300_799;

/// A chunk as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) key: Key,
    pub(crate) edges: EdgeChanges,
    pub(crate) applied: bool,
    /// When it was applied, in seconds since 1970; `None` if an earlier release has applied it.
    pub(super) applied_at: Option<u64>,
    /// If it is applied: the time until which it is kept, in seconds since 1970.
    pub(super) expires: Option<u64>,
    /// The first members of the chunks that were split off from it, in the order in which that happened.
    split_off: Vec<ResourceId>,
}

impl Chunk {
    /// The first member of the chunk that was split off from this one and would contain this member, if there is one.
    fn split_off_for(&self, member: &ResourceId) -> Option<ResourceId> {
        self.split_off.iter().filter(|first| *first <= member).max().cloned()
    }

    /// The keys of the chunks that were split off from this one.
    pub(super) fn split_off_keys(&self) -> impl Iterator<Item = Key> {
        self.split_off.iter().map(|first| Key { pk: self.key.pk.clone(), sk: first.to_string() })
    }

    /// The keys of the edges that the chunk changes.
    fn edge_keys(&self, tenant: &Tenant, group: &ResourceId) -> impl Iterator<Item = Key> {
        let EdgeChanges { add, update, remove } = &self.edges;
        let members = add.iter().chain(update).chain(remove);
        members.flat_map(|it| [Key::member(tenant, group, &it.id), Key::member_of(tenant, &it.id, group)])
    }

    /// The condition that the chunk is open and unchanged since it was read, with its values.
    pub(crate) fn unchanged_condition(&self) -> (&'static str, Item) {
        let mut values = Item::from([("no".to_owned(), Bool(false))]);
        if self.split_off.is_empty() {
            return ("#applied = :no AND attribute_not_exists(#splitOff)", values);
        }
        values.insert("splitOff".to_owned(), texts(&self.split_off));
        ("#applied = :no AND #splitOff = :splitOff", values)
    }
}

impl Directory {
    /// Writes the chunks of a change that is about to be committed, each on condition that it does not exist: DynamoDB
    /// may apply a timed-out attempt late, after the chunk was applied, and would open the chunk again.
    pub(crate) async fn write_chunks(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
        chunks: &[EdgeChanges],
    ) -> Result<(), Error> {
        let items = chunks.iter().map(|edges| {
            let key = key_of(tenant, change, edges)?;
            item::with_key(&key, &item_of(edges))
        });
        let puts: Vec<_> = items.map(|item| Ok(self.put_new(item?))).collect::<Result<_, Error>>()?;
        stream::iter(puts).buffer_unordered(MAX_CONCURRENT_WRITES).try_collect().await
    }

    /// Whether a chunk, if there is one, is no longer as it was read.
    pub(super) async fn has_changed(&self, chunk: Option<&Chunk>) -> Result<bool, Error> {
        let Some(chunk) = chunk else { return Ok(false) };
        let Some(item) = self.read(&chunk.key).await? else { return Ok(true) };
        let now = chunk_with_key(chunk.key.clone(), item)?;
        Ok((now.applied, now.split_off) != (chunk.applied, chunk.split_off.clone()))
    }

    /// Whether no transaction is writing one of these chunks, or the edges of one that was applied a moment ago. Then
    /// everything that was written together with them can be read.
    pub(super) async fn are_fully_written(&self, task: SettleTask<'_>, chunks: &[Chunk]) -> Result<bool, Error> {
        let recent = chunks.iter().filter(|chunk| self.may_be_torn(chunk));
        let edges = recent.flat_map(|chunk| chunk.edge_keys(task.tenant, task.id));
        let keys: Vec<Key> = chunks.iter().map(|chunk| chunk.key.clone()).chain(edges).collect();
        let reads = keys.chunks(KEYS_PER_TRANSACTION).map(async |some| {
            if task.is_past_deadline() {
                return Ok(false);
            }
            match self.read_together(some).await {
                Ok(_) => Ok(true),
                Err(Error::Contended | Error::Throttled) => Ok(false),
                Err(error) => Err(error),
            }
        });
        let reads = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT_READS);
        reads.try_fold(true, |all, one| async move { Ok(all && one) }).await
    }

    /// Splits an open chunk in two by one transaction. Nothing happens if another caller has split or applied it.
    pub(super) async fn split_chunk(&self, tenant: &Tenant, chunk: &Chunk) -> Result<(), Error> {
        let [first, second] = halves(&chunk.edges).try_into().map_err(|_| Error::TooLargeTogether)?;
        let change = item::id(chunk.key.pk.rsplit('#').next().unwrap_or_default())?;
        let (unchanged, values_as_read) = chunk.unchanged_condition();
        let mut values = lists(&first, Member::item)?;
        values.extend(values_as_read);
        let key = key_of(tenant, &change, &second)?;
        let split_off: Vec<ResourceId> = chunk.split_off.iter().cloned().chain([item::id(&key.sk)?]).collect();
        values.insert("next".to_owned(), texts(&split_off));
        let set = "SET #add = :add, #show = :show, #remove = :remove, #splitOff = :next";
        let actions = [
            action::update(&self.table, &chunk.key, set, Some(unchanged), values, ConditionFailure::EdgeChanged)?,
            action::put(&self.table, &key, &item_of(&second), Some(ABSENT), ConditionFailure::EdgeChanged)?,
        ];
        match self.transact(&actions).await {
            Ok(()) | Err(TransactError::AlreadyApplied | TransactError::Permanent(Error::Stale)) => Ok(()),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => Err(error),
        }
    }

    /// Puts an item unless it exists. If it exists, an earlier attempt has put it: its key contains the id of the
    /// change.
    pub(crate) async fn put_new(&self, item: Item) -> Result<(), Error> {
        self.check_home_region().await?;
        let mut retries = RetryBudget::of_bulk_call();
        loop {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            let Err(error) = put.condition_expression(ABSENT).send().await else { return Ok(()) };
            match classify("PutItem", &error) {
                Error::Stale => return Ok(()),
                Error::Throttled | Error::Contended if retries.wait().await => {}
                error => return Err(error),
            }
        }
    }

    /// Deletes the chunks of a change that was not committed.
    pub(crate) async fn delete_chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<(), Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::chunks(tenant, change)) };
        let key = |item: Item| Ok(Key::chunk(tenant, change, &item::id(item::text(&item, SK)?)?));
        let keys = self.query_as(query, None, key).await?;
        self.delete_batch(keys.into_iter().collect()).await
    }

    /// The chunks of a change, in the order of their first members.
    pub(crate) async fn chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<Vec<Chunk>, Error> {
        let items = self.query(CollectionQuery::all(key::chunks(tenant, change)), None).await?;
        let mut chunks: Vec<Chunk> =
            items.into_iter().map(|item| chunk(tenant, change, item)).collect::<Result<_, _>>()?;
        let mut first_unread = 0;
        // A query may not show a chunk yet that was split off, and further chunks may be split off from that one.
        while let Some(read) = chunks.get(first_unread) {
            for first in read.split_off.clone() {
                let key = Key::chunk(tenant, change, &first);
                if !chunks.iter().any(|chunk| chunk.key == key) {
                    chunks.extend(self.split_off_chunk(&key).await?);
                }
            }
            first_unread += 1;
        }
        chunks.sort_by(|one, other| one.key.sk.cmp(&other.key.sk));
        Ok(chunks)
    }

    /// A chunk that was split off from another one, read by a transaction.
    pub(super) async fn split_off_chunk(&self, key: &Key) -> Result<Option<Chunk>, Error> {
        let item = self.read_isolated(key).await?;
        item.map(|item| chunk_with_key(key.clone(), item)).transpose()
    }

    /// The chunk of a change that would contain a member: the last one that begins at the member or before it.
    pub(crate) async fn chunk_about(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
        member: &ResourceId,
    ) -> Result<Option<Chunk>, Error> {
        let item = self.last_at_or_before(key::chunks(tenant, change), member.as_str()).await?;
        let mut about = item.map(|item| chunk(tenant, change, item)).transpose()?;
        // The chunk with the member may have been split off, so that a query does not show it yet.
        while let Some(first) = about.as_ref().and_then(|chunk| chunk.split_off_for(member)) {
            about = self.split_off_chunk(&Key::chunk(tenant, change, &first)).await?;
        }
        Ok(about)
    }

    /// The members that a large change added and removed, chunk by chunk, always in the same order. The change's
    /// record states whether it is large (`is_chunked`).
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn chunks_of_change(
        &self,
        tenant: &Tenant,
        change: &ResourceId,
    ) -> Result<Vec<event::MemberDelta>, Error> {
        let ids = |members: Vec<Member>| members.into_iter().map(|member| member.id).collect();
        let chunks = self.chunks(tenant, change).await?.into_iter().map(|chunk| chunk.edges);
        Ok(chunks.map(|edges| event::MemberDelta { added: ids(edges.add), removed: ids(edges.remove) }).collect())
    }
}

fn key_of(tenant: &Tenant, change: &ResourceId, edges: &EdgeChanges) -> Result<Key, Error> {
    let ids = [&edges.add, &edges.update, &edges.remove].into_iter().filter_map(|members| members.first());
    let first = ids.map(|member| &member.id).min();
    Ok(Key::chunk(tenant, change, first.ok_or_else(|| Error::Corrupt("a chunk has no members".to_owned()))?))
}

fn item_of(edges: &EdgeChanges) -> ChunkItem {
    let MemberLists { add, update, remove } = MemberLists::of(edges, Member::item);
    ChunkItem { add, update, remove, applied: false, applied_at: None, expires: Some(NEVER), split_off: Vec::new() }
}

/// The lists of a chunk without the display names of the members, by the names of the chunk's attributes.
pub(super) fn ids_only(edges: &EdgeChanges) -> Result<Item, Error> {
    lists(edges, |member| MemberItem { kind: member.kind, display: None })
}

fn texts(ids: &[ResourceId]) -> AttributeValue {
    AttributeValue::L(ids.iter().map(|id| AttributeValue::S(id.to_string())).collect())
}

fn lists(edges: &EdgeChanges, edge: impl Fn(&Member) -> MemberItem) -> Result<Item, Error> {
    serde_dynamo::to_item(MemberLists::of(edges, edge)).map_err(|error| Error::Corrupt(error.to_string()))
}

impl MemberLists {
    fn of(edges: &EdgeChanges, edge: impl Fn(&Member) -> MemberItem) -> Self {
        let members = |members: &[Member]| -> Vec<ChunkMember> {
            members.iter().map(|member| ChunkMember { id: member.id.to_string(), edge: edge(member) }).collect()
        };
        Self { add: members(&edges.add), update: members(&edges.update), remove: members(&edges.remove) }
    }
}

pub(super) fn chunk(tenant: &Tenant, change: &ResourceId, item: Item) -> Result<Chunk, Error> {
    let first = item::id(item::text(&item, SK)?)?;
    chunk_with_key(Key::chunk(tenant, change, &first), item)
}

fn chunk_with_key(key: Key, item: Item) -> Result<Chunk, Error> {
    let ChunkItem { add, update, remove, applied, applied_at, expires, split_off } = item::body(item)?;
    let split_off = split_off.iter().map(|id| item::id(id)).collect::<Result<_, _>>()?;
    let member = |it: ChunkMember| Ok(Member { id: item::id(&it.id)?, kind: it.edge.kind, display: it.edge.display });
    let members = |list: Vec<ChunkMember>| list.into_iter().map(member).collect::<Result<Vec<_>, Error>>();
    let edges = EdgeChanges { add: members(add)?, update: members(update)?, remove: members(remove)? };
    Ok(Chunk { key, edges, applied, applied_at, expires, split_off })
}
