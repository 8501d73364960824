//! What is examined: a resource, an item, or a collection, that may be in a wrong state.

use schema::{Kind, ResourceId};

use crate::key::Key;

/// What is examined, within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A resource with the items that belong to it. A change record says that it has this version, or a later one.
    Resource { kind: Kind, id: ResourceId, version: u64 },
    /// A resource that a change record says is deleted.
    Deleted { kind: Kind, id: ResourceId },
    /// The item of a name or a lookup, which says that this resource has the value.
    Owner { key: Key, kind: Kind, id: ResourceId },
    /// The two membership items of a group and a member.
    Edge { group: ResourceId, member: ResourceId },
    /// The pending item of a resource.
    Pending(ResourceId),
    /// The chunks of a change.
    Chunks(ResourceId),
    /// The counters of the resources of a kind.
    Count(Kind),
    /// An item that cannot be read.
    Unreadable(Key),
}

impl Subject {
    pub(super) fn resource(&self) -> Option<ResourceId> {
        match self {
            Subject::Resource { id, .. } | Subject::Deleted { id, .. } | Subject::Owner { id, .. } => Some(id.clone()),
            Subject::Edge { group, .. } => Some(group.clone()),
            Subject::Pending(id) | Subject::Chunks(id) => Some(id.clone()),
            Subject::Count(_) => None,
            Subject::Unreadable(key) => ResourceId::parse(&key.sk),
        }
    }
}
