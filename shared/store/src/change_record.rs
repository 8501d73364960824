//! The change record of a commit as it is written. `changes` reads it.

use protocol::Tenant;
use schema::{Kind, ResourceId};
use serde::Serialize;
use uuid::Uuid;

use crate::clock::now_seconds;
use crate::expression::ABSENT;
use crate::item;
use crate::key::{self, Key};
use crate::transaction::action::{self, ConditionFailure, WriteAction};
use crate::{Directory, Error};

/// A change record: the entry of the audit log, and the source of events. It contains the names of attributes, and
/// no values except a user's `active`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeItem<'a> {
    pub(crate) token: &'a str,
    /// The kind and the type of change, such as `user.created`.
    #[serde(rename = "what")]
    pub(crate) change_type: String,
    pub(crate) resource_type: Kind,
    pub(crate) id: &'a str,
    pub(crate) attributes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_after: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_removed: Vec<String>,
    /// Members that stayed, with another edge.
    #[serde(rename = "membersShown", skip_serializing_if = "Vec::is_empty")]
    pub(crate) members_updated: Vec<String>,
    /// Whether the members are in chunks, which are items of their own.
    #[serde(rename = "inParts", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_chunked: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups_left: Vec<LeftGroupRecord<'a>>,
    /// The new value of a user's `active`, if it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    pub(crate) at: &'a str,
    /// The `lastModified` of the version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_at: Option<&'a str>,
    pub(crate) expires: u64,
}

/// A group that a deleted member has left, the version that the group has since, and the `lastModified` of the version
/// before.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeftGroupRecord<'a> {
    pub(crate) id: &'a str,
    pub(crate) version: u64,
    pub(crate) previous_at: &'a str,
}

impl<'a> ChangeItem<'a> {
    /// The record of a change that names no attributes, versions, members or groups. `change` is the type of the
    /// change, such as `created`; `expires` is in seconds since 1970.
    pub(crate) fn new(token: &'a str, kind: Kind, id: &'a str, change: &str, at: &'a str, expires: u64) -> Self {
        Self {
            token,
            change_type: format!("{}.{change}", key::word(kind)),
            resource_type: kind,
            id,
            attributes: &[],
            version_before: None,
            version_after: None,
            members_added: Vec::new(),
            members_removed: Vec::new(),
            members_updated: Vec::new(),
            is_chunked: false,
            groups_left: Vec::new(),
            active: None,
            at,
            previous_at: None,
            expires,
        }
    }

    /// The action that writes the record under a new id.
    pub(crate) fn put(&self, table: &str, tenant: &Tenant, id: &ResourceId) -> Result<WriteAction, Error> {
        action::put(table, &Key::change(tenant, id), self, Some(ABSENT), ConditionFailure::Unexpected)
    }
}

/// The id of a new change record.
pub(crate) fn new_change_id() -> Result<ResourceId, Error> {
    item::id(&Uuid::now_v7().to_string())
}

impl Directory {
    /// The time until which a record that is written now is kept, in seconds since 1970.
    pub(crate) fn change_expiry(&self) -> u64 {
        now_seconds().saturating_add(self.change_retention.as_secs())
    }
}
