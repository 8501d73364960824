//! A member of a group, and the item of the edge that describes it.

use std::collections::BTreeMap;

use schema::{Kind, ResourceId};

use crate::Error;
use crate::attributes::Item;
use crate::item::{self, MemberItem};
use crate::key::SK;

/// Members of a group, by their ids.
pub(super) type MemberMap = BTreeMap<ResourceId, Member>;

/// A member of a group, as the group's edge describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: ResourceId,
    pub kind: Kind,
    /// The display name that a client sent with the member.
    pub display: Option<String>,
}

impl Member {
    /// The member that the edge of a group describes.
    pub(super) fn from_item(item: Item) -> Result<Self, Error> {
        let id = item::id(item::text(&item, SK)?)?;
        let edge: MemberItem = item::body(item)?;
        Ok(Self { id, kind: edge.kind, display: edge.display })
    }

    /// The item of the edge from a group to the member, without its key.
    pub(super) fn item(&self) -> MemberItem {
        MemberItem { kind: self.kind, display: self.display.clone() }
    }
}
