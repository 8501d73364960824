//! The examination of the chunks of a large change that are not applied.

use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examination::Examination;
use super::{Problem, TableCheck};
use crate::attributes::Item;
use crate::changes::{change_of_item, created_at_ms};
use crate::clock::now_ms;
use crate::commit::limits::{CHUNK_OVERHEAD_BYTES, COMMIT_BYTES};
use crate::item::{self, PendingItem};
use crate::key::Key;
use crate::membership::chunk::Chunk;
use crate::membership::edge_changes::EdgeChanges;
use crate::membership::split::chunk_bytes;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, ITEMS_PER_COMMIT, StoredResource};

/// The age, in milliseconds, from which on chunks of an uncommitted change count as abandoned.
const ABANDONED_MS: u64 = 1_200_000;

impl TableCheck<'_> {
    /// Examines the chunks of a change that are not applied: they were written for a change that has not been committed
    /// yet, or for one that is pending.
    pub(super) async fn examine_chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<Examination, Error> {
        let keys = [Key::change(tenant, change), Key::unfinished(change)];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let record = items.next().flatten();
        let is_listed = items.next().flatten().is_some();
        let Some(record) = record else {
            let is_old = created_at_ms(change).unwrap_or(0) + ABANDONED_MS < now_ms();
            return if is_listed || !is_old {
                Ok(Examination::default())
            } else {
                self.delete_abandoned_chunks(tenant, change).await
            };
        };
        let resource = item::id(item::text(&record, "id")?)?;
        let pending = [Key::pending_changes(tenant, &resource), Key::resource(tenant, Kind::Group, &resource)];
        let mut items = self.directory.read_together(&pending).await?.into_iter();
        let pending: Option<PendingItem> = items.next().flatten().map(item::body).transpose()?;
        let group = items.next().flatten().map(|item| item::stored(Kind::Group, item)).transpose()?;
        let is_pending = pending.is_some_and(|pending| pending.change.as_deref() == Some(change.as_str()));
        // A group that has the change as pending is examined itself.
        if is_pending || group.as_ref().is_some_and(|group| group.member_summary.pending.as_ref() == Some(change)) {
            return Ok(Examination::default());
        }
        // The chunks are read last, because the change may be completed meanwhile.
        let chunks = self.directory.chunks(tenant, change).await?;
        match group {
            _ if chunks.iter().all(|chunk| chunk.applied) => Ok(Examination::default()),
            Some(group) => self.repair_chunks_of_group(tenant, &group, record, change, &chunks).await,
            None => {
                let actions = self.put_pending_deletion(tenant, &resource, Some(change), true)?;
                Ok(Examination::repairable(Problem::ChunksAlone, actions).then_settle(&resource))
            }
        }
    }

    /// The repair of a group whose committed change has chunks that are not applied, and is not pending.
    async fn repair_chunks_of_group(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        record: Item,
        change: &ResourceId,
        chunks: &[Chunk],
    ) -> Result<Examination, Error> {
        let open: Vec<&Chunk> = chunks.iter().filter(|chunk| !chunk.applied).collect();
        let Some(first) = open.first() else { return Ok(Examination::default()) };
        if self.looks_applied(tenant, &group.id, first).await? {
            // The change was applied, and other changes may have followed, so that the edges decide who is a member.
            let marks = of_one_transaction(&open).iter().map(|chunk| self.directory.mark_applied(chunk));
            return Ok(Examination::repairable(Problem::ChunksAlone, marks.collect::<Result<Vec<_>, _>>()?));
        }
        if change_of_item(record)?.after != Some(group.version) || group.member_summary.pending.is_some() {
            return Ok(Examination::unrepairable(Problem::ChunksAlone));
        }
        let pending = self.put_pending_change(tenant, &group.id, change, chunks)?;
        let actions = pending.into_iter().chain(self.set_pending_change(tenant, group, change)?);
        Ok(Examination::repairable(Problem::ChunksAlone, actions).then_settle(&group.id))
    }

    /// Whether the edges show at least one member of a chunk as it is after the chunk was applied.
    async fn looks_applied(&self, tenant: &Tenant, group: &ResourceId, chunk: &Chunk) -> Result<bool, Error> {
        let EdgeChanges { add, update, remove } = &chunk.edges;
        let ids: Vec<ResourceId> = add.iter().chain(update).chain(remove).map(|member| member.id.clone()).collect();
        let present = self.directory.members_among(tenant, group, &ids).await?;
        let is_present = |id: &ResourceId| present.iter().any(|member| member.id == *id);
        Ok(add.iter().any(|member| is_present(&member.id)) || remove.iter().any(|member| !is_present(&member.id)))
    }

    /// The repair that deletes chunks of no change, as many as one transaction can delete: the next examination finds
    /// the others.
    async fn delete_abandoned_chunks(&self, tenant: &Tenant, change: &ResourceId) -> Result<Examination, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        let open: Vec<&Chunk> = chunks.iter().filter(|chunk| !chunk.applied).collect();
        let delete = |chunk: &&Chunk| {
            let (unchanged, values_as_read) = chunk.unchanged_condition();
            let condition = Some((unchanged, values_as_read));
            action::delete(&self.directory.table, &chunk.key, condition, ConditionFailure::EdgeChanged)
        };
        let actions: Vec<WriteAction> = of_one_transaction(&open).iter().map(delete).collect::<Result<_, _>>()?;
        if actions.is_empty() {
            return Ok(Examination::default());
        }
        Ok(Examination::repairable(Problem::ChunksAlone, actions))
    }
}

/// The first of these chunks, as many as one transaction may change: DynamoDB counts each item as it is before and as it
/// is afterwards.
fn of_one_transaction<'a, 'c>(chunks: &'a [&'c Chunk]) -> &'a [&'c Chunk] {
    let mut bytes = 0;
    let fits = |chunk: &&&Chunk| {
        bytes += 2 * (CHUNK_OVERHEAD_BYTES + chunk_bytes(&chunk.edges));
        bytes <= COMMIT_BYTES
    };
    let count = chunks.iter().take(ITEMS_PER_COMMIT).take_while(fits).count();
    chunks.get(..count.max(1)).unwrap_or(chunks)
}
