//! The items of the table, to be read, changed and written back.

use std::collections::{BTreeMap, BTreeSet};

use schema::Kind;
use serde_json::{Value, json};
use testkit::Engine;

use crate::directory::TABLE;

pub(super) type ItemKey = (String, String);

const SOME_RESOURCES: usize = 5;

/// All items of the table, by their keys.
#[derive(Clone)]
pub(super) struct Items(BTreeMap<ItemKey, Value>);

impl Items {
    pub(super) fn read(engine: &Engine) -> Self {
        let found = engine.call("Scan", &json!({"TableName": TABLE}));
        assert!(found.get("LastEvaluatedKey").is_none(), "the table of a test is one page");
        let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
        let items = found["Items"].as_array().unwrap().iter();
        Self(items.map(|item| ((text(item, "pk"), text(item, "sk")), item.clone())).collect())
    }

    /// Makes these the items of the table.
    pub(super) fn write(&self, engine: &Engine) {
        let now = Self::read(engine);
        for key in difference(&now, self) {
            match self.0.get(&key) {
                Some(item) => engine.call("PutItem", &json!({"TableName": TABLE, "Item": item})),
                None => {
                    let key = json!({"pk": {"S": key.0}, "sk": {"S": key.1}});
                    engine.call("DeleteItem", &json!({"TableName": TABLE, "Key": key}))
                }
            };
        }
    }

    pub(super) fn get(&self, key: &ItemKey) -> Option<&Value> {
        self.0.get(key)
    }

    /// These items with one that is there, or is not.
    pub(super) fn with(&self, key: &ItemKey, item: Option<&Value>) -> Self {
        let mut items = self.0.clone();
        match item {
            Some(item) => items.insert(key.clone(), item.clone()),
            None => items.remove(key),
        };
        Self(items)
    }

    /// The key of the first item whose partition key begins like this.
    pub(super) fn first_in(&self, prefix: &str) -> ItemKey {
        self.0.keys().find(|(pk, _)| pk.starts_with(prefix)).unwrap().clone()
    }

    /// These items without the list of unfinished changes.
    pub(super) fn without_list(mut self) -> Self {
        self.0.retain(|(pk, _), _| pk != "#unfinished");
        self
    }

    /// Whether a change of a resource is on the list of unfinished changes.
    pub(super) fn is_listed(&self, resource: &str) -> bool {
        self.0.iter().any(|((pk, _), item)| pk == "#unfinished" && item["resource"]["S"] == resource)
    }

    /// The groups, and a few users.
    pub(super) fn some_resources(&self) -> Vec<(Kind, String)> {
        let kind = |pk: &str| match pk {
            "acme#user" => Some(Kind::User),
            "acme#group" => Some(Kind::Group),
            _ => None,
        };
        // The groups come first in the order of the keys.
        self.0.keys().filter_map(|(pk, sk)| Some((kind(pk)?, sk.clone()))).take(SOME_RESOURCES).collect()
    }
}

/// At most so many of the keys of each collection.
pub(super) fn some_of_each_collection(keys: BTreeSet<ItemKey>, most: usize) -> Vec<ItemKey> {
    let mut of_collection = BTreeMap::<String, usize>::new();
    let mut is_one = |(pk, _): &ItemKey| {
        let collection = pk.split('#').take(2).collect::<Vec<_>>().join("#");
        let count = of_collection.entry(collection).or_default();
        *count += 1;
        *count <= most
    };
    keys.into_iter().filter(|key| is_one(key)).collect()
}

/// The keys of the items that are not the same.
pub(super) fn difference(one: &Items, other: &Items) -> BTreeSet<ItemKey> {
    one.0.keys().chain(other.0.keys()).filter(|key| one.get(key) != other.get(key)).cloned().collect()
}
