//! Changes of a group that follow from other changes: a member leaves it because the member is deleted, or does not
//! join it because the member was deleted before.

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::edge_changes::delete_edge_pair;
use super::state::SettleTask;
use crate::attributes::{Item, number};
use crate::change_record::ChangeItem;
use crate::expression::UNCHANGED_AND_NOT_PENDING;
use crate::item::{PendingItem, member_checksum};
use crate::key::Key;
use crate::record_id::RecordId;
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Directory, Error};

/// The version of a group that was read, and that another change replaces: the change of a member that leaves the
/// group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupVersion {
    pub group: ResourceId,
    pub version: u64,
    /// The `lastModified` of that version, which the time of the next one does not precede.
    pub last_modified: String,
}

/// The actions by which `member` leaves a group, because it is being deleted or has been deleted. `record` is the id of
/// the change record that has the group's new version.
pub(crate) fn leave_group_actions(
    table: &str,
    tenant: &Tenant,
    member: &ResourceId,
    exit: &GroupVersion,
    at: &str,
    record: &ResourceId,
) -> Result<[WriteAction; 3], Error> {
    let at = at.max(exit.last_modified.as_str());
    let [edge, back_edge] = delete_edge_pair(table, tenant, &exit.group, member)?;
    let set = "SET #version = :next, #memberCount = #memberCount - :one, #memberMarks = #memberMarks - :checksum, \
               #lastModified = :at, #record = :record";
    let values = Item::from([
        ("record".to_owned(), RecordId::of(record).value()),
        ("next".to_owned(), number(exit.version + 1)),
        ("expected".to_owned(), number(exit.version)),
        ("one".to_owned(), number(1)),
        ("checksum".to_owned(), number(member_checksum(member))),
        ("at".to_owned(), S(at.to_owned())),
    ]);
    let key = Key::resource(tenant, Kind::Group, &exit.group);
    let condition = Some(UNCHANGED_AND_NOT_PENDING);
    let group = action::update(table, &key, set, condition, values, ConditionFailure::EdgeChanged)?;
    Ok([edge, back_edge, group])
}

impl Directory {
    /// The action that writes the record of a group that loses members, or does not get them, as a consequence of
    /// another change. The record has the time of the cause, from which on a deleted member is not shown; the group's
    /// new version is later.
    pub(super) fn group_change_record(
        &self,
        cause: SettleTask<'_>,
        id: &ResourceId,
        before: &GroupVersion,
        removed: Vec<String>,
    ) -> Result<WriteAction, Error> {
        let PendingItem { token, at, .. } = cause.item;
        let record = ChangeItem {
            attributes: &["members".to_owned()],
            version_before: Some(before.version),
            version_after: Some(before.version + 1),
            members_removed: removed,
            previous_at: Some(&before.last_modified),
            ..ChangeItem::new(token, Kind::Group, before.group.as_str(), "updated", at, self.change_expiry())
        };
        record.put(&self.table, cause.tenant, id)
    }
}
