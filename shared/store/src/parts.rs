//! The parts of a change that has too many members for its record.

use protocol::Tenant;
use protocol::event::Part;
use schema::ResourceId;
use serde::Deserialize;

use crate::item;
use crate::key;
use crate::page::CollectionQuery;
use crate::{Directory, Error};

#[derive(Deserialize)]
struct PartItem {
    #[serde(default)]
    add: Vec<MemberItem>,
    #[serde(default)]
    remove: Vec<MemberItem>,
}

#[derive(Deserialize)]
struct MemberItem {
    id: String,
}

impl Directory {
    /// Who joined and who left by a change whose record says that it is in parts, always in the same order.
    pub async fn parts_of_change(&self, tenant: &Tenant, change: &ResourceId) -> Result<Vec<Part>, Error> {
        let items = self.query(CollectionQuery::all(key::parts(tenant, change)), None).await?;
        let ids =
            |members: Vec<MemberItem>| members.iter().map(|member| item::id(&member.id)).collect::<Result<_, Error>>();
        let parts = items.into_iter().map(|item| {
            let part: PartItem = item::body(item)?;
            Ok(Part { added: ids(part.add)?, removed: ids(part.remove)? })
        });
        parts.collect()
    }
}
