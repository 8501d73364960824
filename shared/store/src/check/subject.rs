//! The subject of an examination: a resource, an item, or a collection, that may be in a wrong state.

use std::collections::BTreeSet;

use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::key::Key;

/// The subjects that a page shows, each with its tenant.
pub(super) type CheckSubjects = BTreeSet<(Tenant, CheckSubject)>;

/// The subject of an examination, within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CheckSubject {
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

impl CheckSubject {
    /// The resource to which the subject belongs.
    pub(super) fn resource(&self) -> Option<ResourceId> {
        match self {
            CheckSubject::Resource { id, .. } | CheckSubject::Deleted { id, .. } | CheckSubject::Owner { id, .. } => {
                Some(id.clone())
            }
            CheckSubject::Edge { group, .. } => Some(group.clone()),
            CheckSubject::Pending(id) | CheckSubject::Chunks(id) => Some(id.clone()),
            CheckSubject::Count(_) => None,
            CheckSubject::Unreadable(key) => ResourceId::parse(&key.sk),
        }
    }
}
