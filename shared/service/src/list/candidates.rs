//! The ids of the resources that can match a filter, read by an index.

use protocol::Error;
use protocol::limits::SCANNED_RESOURCES;
use schema::{Kind, ResourceId};
use store::{Error as StoreError, Index};

use super::membership_index::{MembershipIndex, related_ids};
use super::planner::AccessPath;
use crate::Context;
use crate::error::to_client_error;

/// The ids to which an access path leads, oldest first.
pub(super) async fn candidates(
    context: &Context<'_>,
    kind: Kind,
    path: AccessPath,
    index: Option<&MembershipIndex>,
) -> Result<Vec<ResourceId>, Error> {
    let directory = context.directory;
    let tenant = context.tenant();
    let ids = match path {
        AccessPath::Nothing => Ok(Vec::new()),
        AccessPath::Id(id) => Ok(vec![id]),
        AccessPath::Name(names) => directory.name_owners(tenant, kind, &names).await,
        AccessPath::Lookup(index, values) => by_lookup(context, index, &values).await,
        AccessPath::NamePrefix(prefixes) => by_prefix(context, kind, &prefixes).await,
        AccessPath::GroupsOf(id) | AccessPath::MembersOf(id) => {
            match index.and_then(|index| index.resources_with(&id)) {
                Some(resources) => Ok(resources.iter().cloned().collect()),
                None => return related_ids(context, kind, &id).await,
            }
        }
    };
    let mut ids = ids.map_err(to_client_error)?;
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Reads by the keys of a value, of which the first is the one that this release writes. It is read last, so that a
/// resource which gets it meanwhile is found by it, or was found by its former key.
async fn by_lookup(context: &Context<'_>, index: Index, values: &[String]) -> Result<Vec<ResourceId>, StoreError> {
    let mut ids = Vec::new();
    for value in values.iter().rev() {
        ids.extend(context.directory.lookup(context.tenant(), index, value).await?);
    }
    Ok(ids)
}

/// Reads by the keys of a prefix, in the same order.
async fn by_prefix(context: &Context<'_>, kind: Kind, prefixes: &[String]) -> Result<Vec<ResourceId>, StoreError> {
    let mut ids = Vec::new();
    let most = SCANNED_RESOURCES + 1;
    for prefix in prefixes.iter().rev() {
        ids.extend(context.directory.name_owners_by_prefix(context.tenant(), kind, prefix, most).await?);
    }
    Ok(ids)
}
