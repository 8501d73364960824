//! Finding resources by id, by unique name or by another value, and counting them.

pub(crate) mod batch;
pub(crate) mod query;
pub(crate) mod together;

use std::collections::HashMap;

use protocol::Tenant;
use schema::{Kind, ResourceId};
use serde::Deserialize;

use crate::attributes::Item;
use crate::error::classify;
use crate::item::{self, OwnerItem, UnparsedResource};
use crate::key::{self, Key, NAME_BYTES, SK};
use crate::read::batch::Consistency;
use crate::read::query::CollectionQuery;
use crate::{Directory, Error, Index, StoredResource};

impl Directory {
    /// Reads a resource.
    ///
    /// # Errors
    /// The errors of a read: `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn get(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Option<StoredResource>, Error> {
        let item = self.read(&Key::resource(tenant, kind, id)).await?;
        item.map(|item| item::stored(kind, item)).transpose()
    }

    /// Reads the resources of `ids` that exist, in the order of `ids`, each once. The caller parses one after the
    /// other, because many large resources would fill the memory.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn get_many(
        &self,
        tenant: &Tenant,
        kind: Kind,
        ids: &[ResourceId],
    ) -> Result<Vec<UnparsedResource>, Error> {
        let keys = ids.iter().map(|id| Key::resource(tenant, kind, id)).collect();
        let items = self.read_batch(keys, None, Consistency::Strong).await?;
        let found = items.into_iter().map(|item| UnparsedResource::new(kind, item).map(|it| (it.id.clone(), it)));
        let mut found: HashMap<_, _> = found.collect::<Result<_, _>>()?;
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The resources of `ids` that exist, with their kinds. A resource that was just deleted may be among them.
    ///
    /// It reads eventually consistently, for half the units of [`Directory::existing`], and repeats the read
    /// strongly consistently for the ids that it misses.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn known(&self, tenant: &Tenant, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Kind>, Error> {
        let mut found = self.existing_by(tenant, ids, Consistency::Eventual).await?;
        let missing: Vec<ResourceId> = ids.iter().filter(|id| !found.contains_key(*id)).cloned().collect();
        if !missing.is_empty() {
            found.extend(self.existing(tenant, &missing).await?);
        }
        Ok(found)
    }

    /// The resources of `ids` that exist, with their kinds.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn existing(&self, tenant: &Tenant, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Kind>, Error> {
        self.existing_by(tenant, ids, Consistency::Strong).await
    }

    /// Reads users first, because nearly all members are users, and then groups with the ids that remain.
    async fn existing_by(
        &self,
        tenant: &Tenant,
        ids: &[ResourceId],
        consistency: Consistency,
    ) -> Result<HashMap<ResourceId, Kind>, Error> {
        let mut found = HashMap::new();
        for kind in Kind::ALL {
            let missing = ids.iter().filter(|id| !found.contains_key(*id));
            let keys = missing.map(|id| Key::resource(tenant, kind, id)).collect();
            for item in self.read_batch(keys, Some("sk"), consistency).await? {
                found.insert(item::id(item::text(&item, SK)?)?, kind);
            }
        }
        Ok(found)
    }

    /// The resource that has this unique name. `name` is in the form in which names are compared.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn name_owner(&self, tenant: &Tenant, kind: Kind, name: &str) -> Result<Option<ResourceId>, Error> {
        if name.is_empty() || name.len() > NAME_BYTES {
            return Ok(None);
        }
        let item = self.read(&Key::name(tenant, kind, name)).await?;
        item.map(owner).transpose()
    }

    /// The resources that have one of these unique names at one moment: a resource may change from one name to another
    /// meanwhile. The names are in forms in which names are or were compared.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn name_owners(&self, tenant: &Tenant, kind: Kind, names: &[String]) -> Result<Vec<ResourceId>, Error> {
        if let [name] = names {
            return Ok(self.name_owner(tenant, kind, name).await?.into_iter().collect());
        }
        let names = names.iter().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES);
        let keys: Vec<Key> = names.map(|name| Key::name(tenant, kind, name)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.read_together(&keys).await?.into_iter().flatten().map(owner).collect()
    }

    /// The resources whose unique names begin with `prefix`, in the order of the names, at most `limit` of them.
    ///
    /// # Errors
    /// The errors of [`Directory::get`]. An empty prefix is [`Error::Refused`], because it finds every resource:
    /// use [`Directory::page`] instead.
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
        if prefix.len() > NAME_BYTES {
            return Ok(Vec::new());
        }
        let query = CollectionQuery { prefix: Some(prefix), ..CollectionQuery::all(key::names(tenant, kind)) };
        self.query(query, Some(limit)).await?.into_iter().map(owner).collect()
    }

    /// The candidates for resources that have this value, oldest first. Very long values are found by a hash, so
    /// the caller has to compare the value itself.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn lookup(&self, tenant: &Tenant, index: Index, value: &str) -> Result<Vec<ResourceId>, Error> {
        let prefix = key::lookup_prefix(value);
        // An id begins with a hexadecimal digit. With `begins_with`, DynamoDB Local would read the whole
        // collection.
        let (from, to) = (format!("{prefix}0"), format!("{prefix}g"));
        let query =
            CollectionQuery { between: Some((&from, &to)), ..CollectionQuery::all(key::lookups(tenant, index)) };
        let mut ids = Vec::new();
        for item in self.query(query, None).await? {
            // A longer value that continues with `#` has the same prefix, but no id right after it.
            let id = item::text(&item, SK)?.strip_prefix(&prefix).and_then(ResourceId::parse);
            ids.extend(id);
        }
        Ok(ids)
    }

    /// The number of resources of this kind.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn count(&self, tenant: &Tenant, kind: Kind) -> Result<u64, Error> {
        let prefix = key::count_prefix(kind);
        let query = CollectionQuery { prefix: Some(&prefix), ..CollectionQuery::all(key::counts(tenant)) };
        let shards = self.query(query, None).await?.into_iter().map(item::body::<CountItem>);
        let sum: i64 = shards.map(|shard| shard.map(|it| it.total)).sum::<Result<_, _>>()?;
        u64::try_from(sum).map_err(|_| Error::Corrupt("a count of resources is negative".to_owned()))
    }

    pub(crate) async fn read(&self, key: &Key) -> Result<Option<Item>, Error> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let response = request.set_key(Some(key.attributes())).send().await;
        Ok(response.map_err(|error| classify("GetItem", &error))?.item)
    }
}

#[derive(Deserialize)]
struct CountItem {
    total: i64,
}

fn owner(item: Item) -> Result<ResourceId, Error> {
    item::id(&item::body::<OwnerItem>(item)?.owner)
}
