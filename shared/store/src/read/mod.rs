//! Finding resources by what they are called: by id, by unique name, by another value; and how many there are.

pub(crate) mod batch;

use std::collections::HashMap;

use protocol::Tenant;
use schema::{Kind, ResourceId};
use serde::Deserialize;

use crate::error::failure;
use crate::item::{self, Item, OwnerItem};
use crate::key::{self, Key, LONGEST, SK};
use crate::paging::page::CollectionQuery;
use crate::read::batch::Consistency;
use crate::{Directory, Error, Index, Stored};

impl Directory {
    /// One resource.
    pub async fn get(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Option<Stored>, Error> {
        let item = self.read(&Key::resource(tenant, kind, id)).await?;
        item.map(|item| item::stored(kind, item)).transpose()
    }

    /// Those of `ids` that exist, in the order of `ids`, each once.
    pub async fn get_many(&self, tenant: &Tenant, kind: Kind, ids: &[ResourceId]) -> Result<Vec<Stored>, Error> {
        let keys = ids.iter().map(|id| Key::resource(tenant, kind, id)).collect();
        let items = self.read_batch(keys, None, Consistency::Strong).await?;
        let stored = items.into_iter().map(|item| item::stored(kind, item).map(|it| (it.id.clone(), it)));
        let mut stored: HashMap<_, _> = stored.collect::<Result<_, _>>()?;
        Ok(ids.iter().filter_map(|id| stored.remove(id)).collect())
    }

    /// Which of `ids` exist, and what they are; one that was just deleted may be among them.
    ///
    /// That costs half of what [`Directory::existing`] does, and only who is not found is looked for again.
    pub async fn known(&self, tenant: &Tenant, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Kind>, Error> {
        let mut found = self.existing_by(tenant, ids, Consistency::Eventual).await?;
        let left: Vec<ResourceId> = ids.iter().filter(|id| !found.contains_key(*id)).cloned().collect();
        if !left.is_empty() {
            found.extend(self.existing(tenant, &left).await?);
        }
        Ok(found)
    }

    /// Which of `ids` exist, and what they are.
    pub async fn existing(&self, tenant: &Tenant, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Kind>, Error> {
        self.existing_by(tenant, ids, Consistency::Strong).await
    }

    /// Users come first, as nearly all are, and the rest is looked for among groups.
    async fn existing_by(
        &self,
        tenant: &Tenant,
        ids: &[ResourceId],
        consistency: Consistency,
    ) -> Result<HashMap<ResourceId, Kind>, Error> {
        let mut found = HashMap::new();
        for kind in Kind::ALL {
            let left = ids.iter().filter(|id| !found.contains_key(*id));
            let keys = left.map(|id| Key::resource(tenant, kind, id)).collect();
            for item in self.read_batch(keys, Some("sk"), consistency).await? {
                found.insert(item::id(item::text(&item, SK)?)?, kind);
            }
        }
        Ok(found)
    }

    /// Whose the unique name is. `name` is in the form in which names are compared.
    pub async fn name_owner(&self, tenant: &Tenant, kind: Kind, name: &str) -> Result<Option<ResourceId>, Error> {
        if name.is_empty() || name.len() > LONGEST {
            return Ok(None);
        }
        let item = self.read(&Key::name(tenant, kind, name)).await?;
        item.map(owner).transpose()
    }

    /// Whose the unique names are that begin with `prefix`, in the order of the names, at most `limit` of them. An empty
    /// prefix is every name's, and is [`Error::Refused`]: page through the resources instead.
    pub async fn name_owners_by_prefix(
        &self,
        tenant: &Tenant,
        kind: Kind,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<ResourceId>, Error> {
        if prefix.is_empty() {
            return Err(Error::Refused("a search for names by an empty prefix".to_owned()));
        }
        if prefix.len() > LONGEST {
            return Ok(Vec::new());
        }
        let query = CollectionQuery { prefix: Some(prefix), ..CollectionQuery::all(key::names(tenant, kind)) };
        self.query(query, Some(limit)).await?.into_iter().map(owner).collect()
    }

    /// The resources that have this value, oldest first. Candidates: very long values are found by a hash, so compare the
    /// value itself.
    pub async fn lookup(&self, tenant: &Tenant, index: Index, value: &str) -> Result<Vec<ResourceId>, Error> {
        let prefix = key::lookup_prefix(value);
        // An id begins with a hexadecimal digit. By `begins_with` DynamoDB Local would look through the whole collection.
        let (from, to) = (format!("{prefix}0"), format!("{prefix}g"));
        let query =
            CollectionQuery { between: Some((&from, &to)), ..CollectionQuery::all(key::lookups(tenant, index)) };
        let mut ids = Vec::new();
        for item in self.query(query, None).await? {
            // Longer values that go on with `#` have the same prefix, but no id right after it.
            let rest = item::text(&item, SK)?.strip_prefix(&prefix).and_then(ResourceId::parse);
            ids.extend(rest);
        }
        Ok(ids)
    }

    /// How many resources of this kind there are.
    pub async fn count(&self, tenant: &Tenant, kind: Kind) -> Result<u64, Error> {
        let prefix = key::count_prefix(kind);
        let query = CollectionQuery { prefix: Some(&prefix), ..CollectionQuery::all(key::counts(tenant)) };
        let shards = self.query(query, None).await?.into_iter().map(item::body::<CountItem>);
        let sum: i64 = shards.map(|shard| shard.map(|it| it.total)).sum::<Result<_, _>>()?;
        u64::try_from(sum).map_err(|_| Error::Corrupt("a count below zero".to_owned()))
    }

    pub(crate) async fn read(&self, key: &Key) -> Result<Option<Item>, Error> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = request.set_key(Some(key.attributes())).send().await;
        Ok(answer.map_err(|error| failure("GetItem", &error))?.item)
    }
}

#[derive(Deserialize)]
struct CountItem {
    total: i64,
}

fn owner(item: Item) -> Result<ResourceId, Error> {
    item::id(&item::body::<OwnerItem>(item)?.owner)
}
