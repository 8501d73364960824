//! What each item of a page implies: the subjects to examine in any case, and the expectations of other items.

use protocol::Tenant;
use protocol::event::{Change, ChangeType};
use schema::{Kind, ResourceId};

use super::TableCheck;
use super::edge_counts::{GROUP_COUNTS, MEMBER_COUNTS, has_negative};
use super::expectation::Expectation;
use super::resource_keys::record_to_check;
use super::subject::CheckSubject;
use crate::attributes::Item;
use crate::changes::change_of_item;
use crate::item::{self, ChunkItem};
use crate::key::{self, Collection, Key};
use crate::{Error, StoredResource};

/// What one item of a page implies.
#[derive(Default)]
pub(super) struct ItemExpectations {
    /// The subjects to examine, whatever other items contain.
    pub(super) subjects: Vec<CheckSubject>,
    /// The expectations of other items, each with the subject to examine if they do not meet it.
    pub(super) expectations: Vec<(CheckSubject, Expectation)>,
    /// A resource whose counts can be compared.
    pub(super) resource: Option<StoredResource>,
}

impl ItemExpectations {
    fn of(subject: CheckSubject, expectation: Expectation) -> Self {
        Self { expectations: vec![(subject, expectation)], ..Self::default() }
    }

    fn examine(subject: Option<CheckSubject>) -> Self {
        Self { subjects: subject.into_iter().collect(), ..Self::default() }
    }
}

impl TableCheck<'_> {
    /// What an item implies, by the collection to which it belongs.
    pub(super) fn expectations_of_item(
        &self,
        tenant: &Tenant,
        collection: &Collection,
        key: &Key,
        item: Item,
    ) -> Result<ItemExpectations, Error> {
        match collection {
            Collection::Resources(kind) => self.expectations_of_resource(tenant, *kind, item),
            Collection::Names(kind) => expectations_of_owner(tenant, key, *kind, &item),
            Collection::Lookups(index) => expectations_of_owner(tenant, key, index.kind(), &item),
            Collection::Members(group) => Ok(expectations_of_edge(tenant, group.clone(), item::id(&key.sk)?)),
            Collection::GroupsOf(member) => Ok(self.expectations_of_back_edge(tenant, item::id(&key.sk)?, member)),
            Collection::Changes => Ok(expectations_of_record(tenant, &change_of_item(item)?)),
            Collection::Chunks(change) => {
                let is_applied = item::body::<ChunkItem>(item)?.applied;
                Ok(ItemExpectations::examine((!is_applied).then(|| CheckSubject::Chunks(change.clone()))))
            }
            Collection::PendingChanges => {
                let id = ResourceId::parse(&key.sk).filter(|_| key.sk != key::LAST_SETTLED);
                Ok(ItemExpectations::examine(id.map(CheckSubject::Pending)))
            }
            Collection::Counts => {
                let kind = Kind::ALL.into_iter().find(|kind| key.sk.starts_with(&key::count_prefix(*kind)));
                Ok(ItemExpectations::examine(kind.filter(|_| self.with_counts).map(CheckSubject::Count)))
            }
        }
    }

    /// The implications of the edge from a member to a group: the edge from the group exists, and so does the member,
    /// which counts its groups.
    fn expectations_of_back_edge(&self, tenant: &Tenant, group: ResourceId, member: &ResourceId) -> ItemExpectations {
        let other = Key::member(tenant, &group, member);
        let resources = Kind::ALL.map(|kind| Key::resource(tenant, kind, member)).to_vec();
        let subject = CheckSubject::Edge { group, member: member.clone() };
        ItemExpectations::of(subject, Expectation::Edge { other, resources, is_counted: self.with_counts })
    }

    fn expectations_of_resource(&self, tenant: &Tenant, kind: Kind, item: Item) -> Result<ItemExpectations, Error> {
        let record = record_to_check(tenant, &item)?;
        let is_negative = [&MEMBER_COUNTS[..], &GROUP_COUNTS].iter().any(|it| has_negative(&item, it));
        let stored = item::stored(kind, item)?;
        let subject = CheckSubject::Resource { kind, id: stored.id.clone(), version: 0 };
        let Some(keys) = self.expected_keys(tenant, &stored) else {
            return Ok(ItemExpectations::examine(Some(subject)));
        };
        if stored.member_summary.pending.is_some() || is_negative {
            return Ok(ItemExpectations::examine(Some(subject)));
        }
        let others = keys.lookups.into_iter().map(|(_, key)| key).chain(record).collect();
        let expectation = Expectation::Keys { owner: stored.id.clone(), name: keys.name, others };
        Ok(ItemExpectations { resource: Some(stored), ..ItemExpectations::of(subject, expectation) })
    }
}

/// The implications of the edge from a group to a member: the edge from the member exists, and so does the group.
fn expectations_of_edge(tenant: &Tenant, group: ResourceId, member: ResourceId) -> ItemExpectations {
    let other = Key::member_of(tenant, &member, &group);
    let resources = vec![Key::resource(tenant, Kind::Group, &group)];
    let subject = CheckSubject::Edge { group, member };
    ItemExpectations::of(subject, Expectation::Edge { other, resources, is_counted: false })
}

/// What the item of a name or a lookup implies: its owner has the value.
fn expectations_of_owner(tenant: &Tenant, key: &Key, kind: Kind, item: &Item) -> Result<ItemExpectations, Error> {
    let id = item::id(item::text(item, "owner")?)?;
    let resource = Key::resource(tenant, kind, &id);
    let expectation = Expectation::Owner { resource, kind, value: key.clone() };
    Ok(ItemExpectations::of(CheckSubject::Owner { key: key.clone(), kind, id }, expectation))
}

/// What a change record implies: the resources that it names have the versions that it names, or later ones.
fn expectations_of_record(tenant: &Tenant, change: &Change) -> ItemExpectations {
    let resource = |kind, id: &ResourceId| Key::resource(tenant, kind, id);
    let mut implied = ItemExpectations::default();
    let kind = change.kind;
    let id = change.resource.clone();
    let expectation = Expectation::Version { resource: resource(kind, &id), version: change.after };
    let subject = match (change.change_type, change.after) {
        (ChangeType::Deleted, _) | (_, None) => CheckSubject::Deleted { kind, id },
        (_, Some(version)) => CheckSubject::Resource { kind, id, version },
    };
    implied.expectations.push((subject, expectation));
    for exit in &change.group_exits {
        if let Some(version) = exit.version {
            let subject = CheckSubject::Resource { kind: Kind::Group, id: exit.group.clone(), version };
            let resource = resource(Kind::Group, &exit.group);
            implied.expectations.push((subject, Expectation::Version { resource, version: Some(version) }));
        }
    }
    implied
}
