//! The history that is checked: the operations with their responses, and the change records of the commits.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use schema::{Kind, ResourceId};

use super::writer::{Ids, Operation};
use crate::engine::{Site, raw};

type Item = HashMap<String, AttributeValue>;

/// A committed change of one resource, or of a group by the delete of a member.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) record: ResourceId,
    pub(super) kind: Kind,
    pub(super) id: ResourceId,
    /// The version before the change, 0 for a create.
    pub(super) before: u64,
    /// The version after the change, `None` for a delete.
    pub(super) after: Option<u64>,
    pub(super) added: Ids,
    pub(super) removed: Ids,
    /// Whether the change took several transactions, so that members it adds may have been deleted before they were
    /// applied.
    pub(super) is_large: bool,
}

pub(super) struct History {
    pub(super) operations: Vec<Operation>,
    /// The changes of each resource, ordered by the version before them.
    pub(super) changes: BTreeMap<ResourceId, Vec<Change>>,
    records: usize,
}

impl History {
    pub(super) async fn read(site: &Site, operations: Vec<Operation>) -> Self {
        let mut changes: BTreeMap<ResourceId, Vec<Change>> = BTreeMap::new();
        let records = all(site, "acme#change").await;
        for item in &records {
            for change in changes_of(site, item).await {
                changes.entry(change.id.clone()).or_default().push(change);
            }
        }
        changes.values_mut().for_each(|changes| changes.sort_by_key(|change| change.before));
        Self { operations, changes, records: records.len() }
    }

    /// The members of a group in each of its versions, including those that were deleted later.
    pub(super) fn members(&self, group: &ResourceId) -> BTreeMap<u64, Ids> {
        let mut members = Ids::new();
        let mut versions = BTreeMap::new();
        for change in &self.changes[group] {
            members.retain(|id| !change.removed.contains(id));
            members.extend(change.added.iter().cloned());
            versions.extend(change.after.map(|after| (after, members.clone())));
        }
        versions
    }

    pub(super) fn print(&self, took: Duration) {
        let large = self.changes.values().flatten().filter(|change| change.is_large).count();
        let (operations, records) = (self.operations.len(), self.records);
        println!("model: {operations} operations answered, {records} changes, {large} of them large, {took:.0?}");
        assert!(large > 0 && records > operations / 4);
    }
}

/// All items of a collection.
async fn all(site: &Site, collection: &str) -> Vec<Item> {
    let query = raw().query().table_name(&site.table).key_condition_expression("pk = :pk").consistent_read(true);
    let query = query.expression_attribute_values(":pk", AttributeValue::S(collection.to_owned()));
    let (mut items, mut from) = (Vec::new(), None);
    loop {
        let page = query.clone().limit(1000).set_exclusive_start_key(from).send().await.unwrap();
        items.extend(page.items.unwrap_or_default());
        from = page.last_evaluated_key;
        if from.is_none() {
            return items;
        }
    }
}

fn id(value: &AttributeValue) -> ResourceId {
    ResourceId::parse(value.as_s().unwrap()).unwrap()
}

fn number(item: &Item, name: &str) -> Option<u64> {
    Some(item.get(name)?.as_n().unwrap().parse().unwrap())
}

fn ids(item: &Item, name: &str) -> Ids {
    item.get(name).into_iter().flat_map(|list| list.as_l().unwrap()).map(id).collect()
}

/// The change of a record, and the changes of the groups that a deleted resource left in the same transaction.
async fn changes_of(site: &Site, item: &Item) -> Vec<Change> {
    let record = id(&item["sk"]);
    let (mut added, mut removed) = (ids(item, "membersAdded"), ids(item, "membersRemoved"));
    let is_large = item.contains_key("inParts");
    if is_large {
        for chunk in site.directory.chunks_of_change(&site.caller.tenant, &record).await.unwrap() {
            added.extend(chunk.added);
            removed.extend(chunk.removed);
        }
    }
    let kind = if item["resourceType"].as_s().unwrap() == "User" { Kind::User } else { Kind::Group };
    let (before, after) = (number(item, "versionBefore").unwrap_or(0), number(item, "versionAfter"));
    let own = Change { record: record.clone(), kind, id: id(&item["id"]), before, after, added, removed, is_large };
    let left = item.get("groupsLeft").into_iter().flat_map(|groups| groups.as_l().unwrap()).map(|left| {
        let left = left.as_m().unwrap();
        let after = number(left, "version").unwrap();
        let (id, removed) = (id(&left["id"]), Ids::from([own.id.clone()]));
        let (record, before, after) = (record.clone(), after - 1, Some(after));
        Change { record, kind: Kind::Group, id, before, after, added: Ids::new(), removed, is_large: false }
    });
    let left: Vec<Change> = left.collect();
    std::iter::once(own).chain(left).collect()
}
