//! The keys of the table: one place that knows how a tenant's collections are named.
//!
//! Every key starts with the tenant, except those of tokens, by which a tenant is found. A tenant's name holds no `#`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Tenant;
use schema::{Kind, ResourceId};
use sha2::{Digest, Sha256};

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";

/// The longest value that stands in a sort key as it is. DynamoDB's limit is 1,024 bytes for the whole of it.
pub(crate) const LONGEST: usize = protocol::limits::NAME_BYTES;

/// Which values of a resource lead back to it, besides its unique name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    UserExternalId,
    GroupExternalId,
    UserEmail,
}

impl Index {
    fn collection(self) -> &'static str {
        match self {
            Index::UserExternalId => "userExternalId",
            Index::GroupExternalId => "groupExternalId",
            Index::UserEmail => "userEmail",
        }
    }
}

/// The primary key of one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    pub(crate) fn resource(tenant: &Tenant, kind: Kind, id: &ResourceId) -> Self {
        Self::new(resources(tenant, kind), id.as_str())
    }

    pub(crate) fn name(tenant: &Tenant, kind: Kind, name: &str) -> Self {
        Self::new(names(tenant, kind), name)
    }

    pub(crate) fn lookup(tenant: &Tenant, index: Index, value: &str, id: &ResourceId) -> Self {
        Self::new(lookups(tenant, index), format!("{}{id}", lookup_prefix(value)))
    }

    pub(crate) fn member(tenant: &Tenant, group: &ResourceId, member: &ResourceId) -> Self {
        Self::new(members(tenant, group), member.as_str())
    }

    pub(crate) fn member_of(tenant: &Tenant, member: &ResourceId, group: &ResourceId) -> Self {
        Self::new(groups_of(tenant, member), group.as_str())
    }

    /// The counter that a resource's create and delete touch: one of sixteen, by the last digit of its id.
    pub(crate) fn count(tenant: &Tenant, kind: Kind, id: &ResourceId) -> Self {
        let shard = id.as_str().chars().next_back().unwrap_or('0');
        Self::new(counts(tenant), format!("{}{shard}", count_prefix(kind)))
    }

    pub(crate) fn change(tenant: &Tenant, id: &ResourceId) -> Self {
        Self::new(changes(tenant), id.as_str())
    }

    pub(crate) fn bookmark(tenant: &Tenant, token: &str, query: &str, start_index: usize) -> Self {
        Self::new(format!("{}#bookmark", tenant.as_str()), format!("{token}#{query}#{start_index}"))
    }

    pub(crate) fn cursor_secret(tenant: &Tenant) -> Self {
        Self::new(format!("{}#secret", tenant.as_str()), "cursor")
    }

    /// A part of a large change of members, by the first of the members that it is about.
    pub(crate) fn part(tenant: &Tenant, change: &ResourceId, first: &ResourceId) -> Self {
        Self::new(parts(tenant, change), first.as_str())
    }

    pub(crate) fn pending_changes(tenant: &Tenant, id: &ResourceId) -> Self {
        Self::new(pending_changes(tenant), id.as_str())
    }

    /// Beside what is unsettled, and read with it.
    pub(crate) fn last_settled(tenant: &Tenant) -> Self {
        Self::new(pending_changes(tenant), LAST_SETTLED)
    }

    pub(crate) fn token(id: &str) -> Self {
        Self::new(TOKENS.to_owned(), id)
    }
}

pub(crate) const TOKENS: &str = "token";
/// No id.
pub(crate) const LAST_SETTLED: &str = "last";

pub(crate) fn resources(tenant: &Tenant, kind: Kind) -> String {
    format!("{}#{}", tenant.as_str(), word(kind))
}

pub(crate) fn names(tenant: &Tenant, kind: Kind) -> String {
    format!("{}#{}Name", tenant.as_str(), word(kind))
}

pub(crate) fn lookups(tenant: &Tenant, index: Index) -> String {
    format!("{}#{}", tenant.as_str(), index.collection())
}

/// What comes before the id in the key of a lookup. A value too long for a key is stood for by its hash, so what a
/// lookup finds is a candidate: whoever asked compares the value itself.
pub(crate) fn lookup_prefix(value: &str) -> String {
    if value.len() <= LONGEST {
        format!("{value}#")
    } else {
        let hash: String = Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hash}#")
    }
}

pub(crate) fn members(tenant: &Tenant, group: &ResourceId) -> String {
    format!("{}#member#{group}", tenant.as_str())
}

pub(crate) fn groups_of(tenant: &Tenant, member: &ResourceId) -> String {
    format!("{}#memberOf#{member}", tenant.as_str())
}

pub(crate) fn parts(tenant: &Tenant, change: &ResourceId) -> String {
    format!("{}#part#{change}", tenant.as_str())
}

pub(crate) fn pending_changes(tenant: &Tenant) -> String {
    format!("{}#unsettled", tenant.as_str())
}

pub(crate) fn counts(tenant: &Tenant) -> String {
    format!("{}#count", tenant.as_str())
}

pub(crate) fn count_prefix(kind: Kind) -> String {
    format!("{}#", word(kind))
}

/// What the collection of a tenant's changes is called after the tenant.
pub(crate) const CHANGES: &str = "#change";

pub(crate) fn changes(tenant: &Tenant) -> String {
    format!("{}{CHANGES}", tenant.as_str())
}

/// A kind's name inside keys and change records.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
    }
}
