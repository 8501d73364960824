//! The examination of pending changes: large changes of members, and deletions. Their items have to refer to each
//! other, so that the function Settle completes them.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examination::Examination;
use super::{Problem, TableCheck};
use crate::attributes::{Item, number};
use crate::change_record::new_change_id;
use crate::item::{self, PendingItem};
use crate::key::Key;
use crate::transaction::action::{self, ConditionFailure};
use crate::{Error, StoredResource, UnfinishedChange, unfinished};

/// The time for which a check works on one pending change. The function Settle completes the rest.
const SETTLE_TIME: Duration = Duration::from_secs(10);

impl TableCheck<'_> {
    /// Completes the pending change of a resource.
    pub(super) async fn settle(&self, tenant: &Tenant, id: &ResourceId) -> Result<(), Error> {
        match self.directory.settle(tenant, id, (Instant::now() + SETTLE_TIME).min(self.until + SETTLE_TIME)).await {
            Ok(_) | Err(Error::Corrupt(_) | Error::NewerFormat | Error::Contended | Error::Unavailable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Examines the pending item of a resource. The first pass of a repair completes the pending change, as Settle
    /// does, because only then the check can compare its membership items.
    pub(super) async fn examine_pending(&self, tenant: &Tenant, id: &ResourceId) -> Result<Examination, Error> {
        let examined = self.examine_pending_item(tenant, id).await?;
        if examined.problems.is_empty() && self.repair && !self.with_counts {
            self.settle(tenant, id).await?;
        }
        Ok(examined)
    }

    async fn examine_pending_item(&self, tenant: &Tenant, id: &ResourceId) -> Result<Examination, Error> {
        let keys = [
            Key::pending_changes(tenant, id),
            Key::resource(tenant, Kind::User, id),
            Key::resource(tenant, Kind::Group, id),
        ];
        let mut items = self.directory.read_together(&keys).await?.into_iter();
        let mut next = || items.next().flatten();
        let Some(pending) = next() else { return Ok(Examination::default()) };
        let pending: PendingItem = item::body(pending)?;
        let user = next();
        let group = next();
        let change = pending.change.as_deref().map(item::id).transpose()?;
        if pending.deleted {
            return match (user, group) {
                (None, None) => self.examine_listed(tenant, id, None).await,
                (Some(_), _) => self.examine_deleted(tenant, Kind::User, id).await,
                (None, Some(_)) => self.examine_deleted(tenant, Kind::Group, id).await,
            };
        }
        let Some(change) = change else { return Ok(Examination::unrepairable(Problem::Unreadable)) };
        let Some(group) = group else {
            let actions = self.put_pending_deletion(tenant, id, Some(&change), true)?;
            return Ok(Examination::repairable(Problem::EdgeOfNobody, actions).then_settle(id));
        };
        let group = item::stored(Kind::Group, group)?;
        if group.member_summary.pending.as_ref() != Some(&change) {
            return self.repair_unknown_change(tenant, &group, &change);
        }
        self.examine_large_change(tenant, id, &change, pending.chunks).await
    }

    /// Examines whether the chunks of a pending change exist, and whether the change is on the list of unfinished
    /// changes.
    async fn examine_large_change(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
        expected_chunks: usize,
    ) -> Result<Examination, Error> {
        let chunks = self.directory.chunks(tenant, change).await?.len();
        if chunks >= expected_chunks || !self.is_pending(tenant, group, Some(change)).await? {
            return self.examine_listed(tenant, group, Some(change)).await;
        }
        let values = Item::from([("parts".to_owned(), number(chunks)), ("change".to_owned(), S(change.to_string()))]);
        let update = action::update(
            &self.directory.table,
            &Key::pending_changes(tenant, group),
            "SET #parts = :parts",
            Some("#change = :change"),
            values,
            ConditionFailure::EdgeChanged,
        )?;
        Ok(Examination::repairable(Problem::ChunksMissing, [update]).then_settle(group))
    }

    /// The repair of a pending change that the group does not know: the group gets it as its pending change, and it is
    /// completed.
    fn repair_unknown_change(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        change: &ResourceId,
    ) -> Result<Examination, Error> {
        if group.member_summary.pending.is_some() {
            return Ok(Examination::unrepairable(Problem::PendingItemAlone));
        }
        let list = unfinished::list_committed(&self.directory.table, tenant, &group.id, change, None)?;
        let actions = self.set_pending_change(tenant, group, change)?.into_iter().chain([list]);
        Ok(Examination::repairable(Problem::PendingItemAlone, actions).then_settle(&group.id))
    }

    /// Examines whether a pending change of a resource is missing on the list of unfinished changes.
    async fn examine_listed(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        change: Option<&ResourceId>,
    ) -> Result<Examination, Error> {
        // The change may be completed meanwhile.
        if self.is_listed(tenant, id, change).await? || !self.is_pending(tenant, id, change).await? {
            return Ok(Examination::default());
        }
        let change = change.map_or_else(new_change_id, |change| Ok(change.clone()))?;
        let list = unfinished::list_committed(&self.directory.table, tenant, id, &change, None)?;
        Ok(Examination::repairable(Problem::PendingNotListed, [list]).then_settle(id))
    }

    /// Whether the list of unfinished changes contains this change of the resource as committed; any change, for a
    /// deletion.
    async fn is_listed(&self, tenant: &Tenant, id: &ResourceId, change: Option<&ResourceId>) -> Result<bool, Error> {
        let listed = self.directory.unfinished_changes(u64::MAX).await?;
        let of_resource = listed.iter().filter(|listed| listed.tenant == *tenant && listed.resource == *id);
        Ok(of_resource
            .filter(|listed| change.is_none_or(|change| listed.has_id(change)))
            .any(UnfinishedChange::is_committed))
    }

    /// Whether this change of a resource is pending; without a change, whether its deletion is.
    async fn is_pending(&self, tenant: &Tenant, id: &ResourceId, change: Option<&ResourceId>) -> Result<bool, Error> {
        let item = self.directory.read_isolated(&Key::pending_changes(tenant, id)).await?;
        let pending: Option<PendingItem> = item.map(item::body).transpose()?;
        Ok(pending.is_some_and(|pending| match change {
            Some(change) => !pending.deleted && pending.change.as_deref() == Some(change.as_str()),
            None => pending.deleted,
        }))
    }

    /// The repair of a group that has a pending change without a pending item.
    pub(super) async fn repair_missing_pending_item(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
    ) -> Result<Examination, Error> {
        let chunks = self.directory.chunks(tenant, change).await?;
        // The group may be deleted meanwhile.
        let still_pending = action::update(
            &self.directory.table,
            &Key::resource(tenant, Kind::Group, group),
            "SET #pending = :pending",
            Some("#pending = :pending"),
            Item::from([("pending".to_owned(), S(change.to_string()))]),
            ConditionFailure::ResourceChanged,
        )?;
        let actions = self.put_pending_change(tenant, group, change, &chunks)?.into_iter().chain([still_pending]);
        Ok(Examination::repairable(Problem::PendingItemMissing, actions).then_settle(group))
    }
}
