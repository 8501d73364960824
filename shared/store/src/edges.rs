//! What a delete leaves to do: edges that did not fit into its commit, removed afterwards. Safe to repeat.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::ResourceId;

use crate::batch::AT_ONCE;
use crate::commit::Failure;
use crate::key::Key;
use crate::membership;
use crate::retry::Backoff;
use crate::{Directory, Error};

impl Directory {
    /// Removes all edges between a group and its members, in both directions. Only for a group that is deleted: nothing
    /// can be added to it any more.
    pub async fn remove_edges_of_group(&self, tenant: &Tenant, group: &ResourceId) -> Result<(), Error> {
        let members = self.members(tenant, group, None).await?;
        let keys = members
            .iter()
            .flat_map(|member| [Key::member(tenant, group, &member.id), Key::member_of(tenant, &member.id, group)]);
        self.delete_batch(keys.collect()).await
    }

    /// Takes somebody out of all groups, each of which gets a new version and `at` as its `lastModified`. Only for a user or
    /// a group that is deleted: it cannot be added to a group any more.
    pub async fn remove_edges_of_member(&self, tenant: &Tenant, member: &ResourceId, at: &str) -> Result<(), Error> {
        let groups = self.groups_of(tenant, member).await?;
        let departures: Vec<_> = groups.into_iter().map(|group| self.leave(tenant, member, group, at)).collect();
        stream::iter(departures).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn leave(&self, tenant: &Tenant, member: &ResourceId, group: ResourceId, at: &str) -> Result<(), Error> {
        let actions = membership::leave(&self.table, tenant, member, &group, at)?;
        match self.transact(&actions, &mut Backoff::new()).await {
            Ok(()) => Ok(()),
            // The group is gone, or does not have this member any more: no version to change.
            Err(Failure::Left(_)) => {
                let edges = [Key::member(tenant, &group, member), Key::member_of(tenant, member, &group)];
                self.delete_batch(edges.into()).await
            }
            Err(Failure::Passing(error) | Failure::Final(error)) => Err(error),
        }
    }
}
