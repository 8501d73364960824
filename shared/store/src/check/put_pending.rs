//! The actions of repairs that make a change pending, so that it is completed as after a commit.

use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::new_version::NewVersion;
use super::{TOKEN, TableCheck};
use crate::change_record::new_change_id;
use crate::clock::now_rfc3339;
use crate::expression::ABSENT;
use crate::item::PendingItem;
use crate::key::Key;
use crate::membership::chunk::Chunk;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Error, StoredResource, unfinished};

impl TableCheck<'_> {
    /// The actions that give a group a large change as its pending one.
    pub(super) fn set_pending_change(
        &self,
        tenant: &Tenant,
        group: &StoredResource,
        change: &ResourceId,
    ) -> Result<[WriteAction; 2], Error> {
        let attributes = vec!["members".to_owned()];
        let new = NewVersion { attributes, pending: Some(change.clone()), ..NewVersion::default() };
        self.new_version_actions(tenant, group, new)
    }

    /// The actions that make a large change pending.
    pub(super) fn put_pending_change(
        &self,
        tenant: &Tenant,
        group: &ResourceId,
        change: &ResourceId,
        chunks: &[Chunk],
    ) -> Result<[WriteAction; 2], Error> {
        let item = PendingItem { deleted: false, chunks: chunks.len(), ..self.deletion_item(Some(change)) };
        self.put_pending(tenant, group, &item, change, false)
    }

    /// The actions that make the deletion of a resource pending. The resource does not exist, or is deleted with them.
    /// With `replaces`, they replace a pending item of the resource.
    pub(super) fn put_pending_deletion(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        change: Option<&ResourceId>,
        replaces: bool,
    ) -> Result<[WriteAction; 2], Error> {
        self.put_pending(tenant, id, &self.deletion_item(change), &new_change_id()?, replaces)
    }

    fn deletion_item(&self, change: Option<&ResourceId>) -> PendingItem {
        PendingItem {
            // The kind is unknown. The deletion of a group also deletes the edges that a user has.
            kind: Kind::Group,
            deleted: true,
            change: change.map(ToString::to_string),
            chunks: 0,
            groups: Vec::new(),
            token: TOKEN.to_owned(),
            at: now_rfc3339(),
            is_listed: true,
            empty_at: None,
        }
    }

    fn put_pending(
        &self,
        tenant: &Tenant,
        id: &ResourceId,
        item: &PendingItem,
        change: &ResourceId,
        replaces: bool,
    ) -> Result<[WriteAction; 2], Error> {
        let table = &self.directory.table;
        let key = Key::pending_changes(tenant, id);
        let condition = (!replaces).then_some(ABSENT);
        Ok([
            action::put(table, &key, item, condition, ConditionFailure::EdgeChanged)?,
            unfinished::list_committed(table, tenant, id, change, None)?,
        ])
    }
}
