//! The keys of the table. No other file knows how a tenant's collections are named.
//!
//! Every key starts with the tenant, except the keys of tokens, through which the tenant is found, those of
//! unfinished changes, which one query finds for all tenants, and that of the table's region. A tenant's name contains
//! no `#`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Tenant;
use schema::{Kind, ResourceId};
use sha2::{Digest, Sha256};

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";

/// The longest value that a sort key holds as it is, in bytes. DynamoDB limits the whole sort key to 1,024 bytes.
pub const NAME_BYTES: usize = protocol::limits::NAME_BYTES;

/// The values by which a resource is found, besides its id and its unique name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    UserExternalId,
    GroupExternalId,
    UserEmail,
}

impl Index {
    pub(crate) const ALL: [Index; 3] = [Index::UserExternalId, Index::GroupExternalId, Index::UserEmail];

    /// The kind of the resources that have the value.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Index::UserExternalId | Index::UserEmail => Kind::User,
            Index::GroupExternalId => Kind::Group,
        }
    }

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

    /// The counter that the create and the delete of a resource change. There are sixteen, chosen by the last digit
    /// of its id.
    pub(crate) fn count(tenant: &Tenant, kind: Kind, id: &ResourceId) -> Self {
        let shard = id.as_str().chars().next_back().unwrap_or('0');
        Self::new(counts(tenant), format!("{}{shard}", count_prefix(kind)))
    }

    /// The keys of all counters of a kind.
    pub(crate) fn counters(tenant: &Tenant, kind: Kind) -> impl Iterator<Item = Self> {
        ('0'..='9')
            .chain('a'..='f')
            .map(move |shard| Self::new(counts(tenant), format!("{}{shard}", count_prefix(kind))))
    }

    pub(crate) fn change(tenant: &Tenant, id: &ResourceId) -> Self {
        Self::new(changes(tenant), id.as_str())
    }

    pub(crate) fn bookmark(tenant: &Tenant, token: &str, query: &str, start_index: usize) -> Self {
        Self::new(format!("{}#bookmark", tenant.as_str()), format!("{token}#{query}#{start_index}"))
    }

    /// A known position in the list of all resources of a kind. It lies among the bookmarks, whose sort keys begin with
    /// the id of a token.
    pub(crate) fn milestone(tenant: &Tenant, kind: Kind, index: usize) -> Self {
        Self::new(format!("{}#bookmark", tenant.as_str()), format!("all#{}#{index:020}", word(kind)))
    }

    pub(crate) fn cursor_secret(tenant: &Tenant) -> Self {
        Self::new(format!("{}#secret", tenant.as_str()), "cursor")
    }

    /// A chunk of a large change of members. Its sort key is the first of its members.
    pub(crate) fn chunk(tenant: &Tenant, change: &ResourceId, first: &ResourceId) -> Self {
        Self::new(chunks(tenant, change), first.as_str())
    }

    pub(crate) fn pending_changes(tenant: &Tenant, id: &ResourceId) -> Self {
        Self::new(pending_changes(tenant), id.as_str())
    }

    /// The entry of a change in the list of unfinished changes.
    pub(crate) fn unfinished(change: &ResourceId) -> Self {
        Self::new(UNFINISHED.to_owned(), change.as_str())
    }

    /// The item lies in the collection of pending changes, so that one query reads both.
    pub(crate) fn last_settled(tenant: &Tenant) -> Self {
        Self::new(pending_changes(tenant), LAST_SETTLED)
    }

    /// The item with the region to which the table belongs.
    pub(crate) fn home_region() -> Self {
        Self::new("#home".to_owned(), "region")
    }

    pub(crate) fn token(id: &str) -> Self {
        Self::new(TOKENS.to_owned(), id)
    }
}

pub(crate) const TOKENS: &str = "token";
/// The list of the unfinished changes of all tenants. No tenant's name is empty.
pub(crate) const UNFINISHED: &str = "#unfinished";
/// It sorts after every id and cannot be an id.
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

/// The sort key of a lookup up to the id. A value that is too long for a key is replaced by its hash, so a lookup
/// finds candidates, and the caller compares the value itself.
pub(crate) fn lookup_prefix(value: &str) -> String {
    if value.len() <= NAME_BYTES {
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

pub(crate) fn chunks(tenant: &Tenant, change: &ResourceId) -> String {
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

/// The suffix of the collection of a tenant's change records.
pub(crate) const CHANGES: &str = "#change";

pub(crate) fn changes(tenant: &Tenant) -> String {
    format!("{}{CHANGES}", tenant.as_str())
}

/// A collection of a tenant, by its partition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Collection {
    Resources(Kind),
    Names(Kind),
    Lookups(Index),
    Members(ResourceId),
    GroupsOf(ResourceId),
    Counts,
    Changes,
    Chunks(ResourceId),
    PendingChanges,
}

/// The tenant and the collection of a partition key; `None` for one of no tenant, or one of bookmarks and secrets.
pub(crate) fn collection(pk: &str) -> Option<(Tenant, Collection)> {
    let (tenant, rest) = pk.split_once('#')?;
    let tenant = Tenant::named(tenant)?;
    let is = |name: String| name == pk;
    let collection = match rest.split_once('#') {
        Some(("member", group)) => Collection::Members(ResourceId::parse(group)?),
        Some(("memberOf", member)) => Collection::GroupsOf(ResourceId::parse(member)?),
        Some(("part", change)) => Collection::Chunks(ResourceId::parse(change)?),
        Some(_) => return None,
        None if is(counts(&tenant)) => Collection::Counts,
        None if is(changes(&tenant)) => Collection::Changes,
        None if is(pending_changes(&tenant)) => Collection::PendingChanges,
        None => {
            let of_kind = Kind::ALL.into_iter().find_map(|kind| match () {
                () if is(resources(&tenant, kind)) => Some(Collection::Resources(kind)),
                () if is(names(&tenant, kind)) => Some(Collection::Names(kind)),
                () => None,
            });
            let lookup = || Index::ALL.into_iter().find(|index| is(lookups(&tenant, *index))).map(Collection::Lookups);
            of_kind.or_else(lookup)?
        }
    };
    Some((tenant, collection))
}

/// The name of a kind in keys and change records.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
    }
}
