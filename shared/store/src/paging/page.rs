//! Pages of resources in the order of their ids, which is the order in which they were created.

use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::item::UnparsedResource;
use crate::key;
use crate::read::query::{CollectionQuery, items_per_query, send_query};
use crate::{Directory, Error};

/// A page of resources.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourcePage {
    pub items: Vec<UnparsedResource>,
    /// Whether there are more resources after the last of `items`.
    pub more: bool,
}

impl Directory {
    /// At most `limit` resources that were created after the resource `after`, which need not exist any longer. There
    /// are fewer if they have about a megabyte, which bounds the memory of a caller that continues after the last one.
    ///
    /// # Errors
    /// `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn page(
        &self,
        tenant: &Tenant,
        kind: Kind,
        after: Option<&ResourceId>,
        limit: usize,
    ) -> Result<ResourcePage, Error> {
        let after = after.map(ResourceId::as_str);
        let query = CollectionQuery { after, ..CollectionQuery::all(key::resources(tenant, kind)) };
        let query = self.query_request(&query);
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let with_next = items_per_query(limit.saturating_add(1));
            let response = send_query(|| query.clone().limit(with_next).set_exclusive_start_key(from.clone())).await?;
            items.extend(response.items.unwrap_or_default());
            from = response.last_evaluated_key;
            if from.is_none() || items.len() > limit.min(1) {
                break;
            }
        }
        // If DynamoDB stopped at a megabyte, the last item is not returned: it shows that there are more.
        let returned = if from.is_some() { limit.min(items.len().saturating_sub(1)) } else { limit };
        let more = items.len() > returned;
        items.truncate(returned);
        let items = items.into_iter().map(|item| UnparsedResource::new(kind, item)).collect::<Result<_, _>>()?;
        Ok(ResourcePage { items, more })
    }
}
