//! Counts that follow from membership items: the members of a group, and the groups of a resource.

use std::time::Instant;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examination::Examination;
use super::new_version::NewVersion;
use super::subject::{CheckSubject, CheckSubjects};
use super::{MAX_COUNTS, MAX_OVERTIME, PAUSE_MS, Problem, TableCheck};
use crate::attributes::{Item, number};
use crate::item::{self, member_checksum};
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::transaction::action::{self, ConditionFailure};
use crate::{Backoff, Error, StoredResource};

/// The number of resources whose counts are compared at the same time.
const MAX_CONCURRENT_COUNTS: usize = 16;

/// The counts of a resource's members, and of its groups.
pub(super) const MEMBER_COUNTS: [&str; 2] = ["memberCount", "memberMarks"];
pub(super) const GROUP_COUNTS: [&str; 1] = ["groupCount"];

/// Whether one of these counts of a resource is negative.
pub(super) fn has_negative(resource: &Item, counts: &[&str]) -> bool {
    let number = |name: &&str| resource.get(*name).and_then(|value| value.as_n().ok());
    counts.iter().filter_map(number).any(|number| number.starts_with('-'))
}

/// The counts that the membership items of a resource give.
#[derive(Clone, Copy, PartialEq, Eq)]
struct EdgeCounts {
    groups: u64,
    /// The number of members, and their checksum.
    members: (u64, u64),
}

impl TableCheck<'_> {
    /// The resources whose counts differ from their membership items.
    pub(super) async fn find_miscounted(&self, counted: Vec<(Tenant, StoredResource)>) -> Result<CheckSubjects, Error> {
        let is_miscounted = async |(tenant, stored): (Tenant, StoredResource)| {
            let groups = async || {
                let pk = key::groups_of(&tenant, &stored.id);
                Ok(stored.group_count == 0 || self.directory.count_items(pk).await? == stored.group_count)
            };
            let members = async || {
                let (count, checksum) = match stored.kind {
                    Kind::User => (0, 0),
                    Kind::Group => self.sum_members(&tenant, &stored.id).await?,
                };
                Ok::<_, Error>((count, checksum) == (stored.member_summary.count, stored.member_summary.checksum))
            };
            let is_right = match groups().await {
                Ok(true) => members().await,
                other => other,
            };
            let subject = CheckSubject::Resource { kind: stored.kind, id: stored.id.clone(), version: 0 };
            match is_right {
                Ok(true) => Ok(None),
                // A membership item cannot be read.
                Ok(false) | Err(Error::Corrupt(_) | Error::NewerFormat) => Ok(Some((tenant, subject))),
                Err(error) => Err(error),
            }
        };
        let counts = counted.into_iter().map(is_miscounted).collect::<Vec<_>>();
        let found = stream::iter(counts).buffer_unordered(MAX_CONCURRENT_COUNTS);
        found.try_filter_map(async |subject| Ok(subject)).try_collect().await
    }

    /// The number of members by a group's membership items, and their checksum.
    pub(super) async fn sum_members(&self, tenant: &Tenant, group: &ResourceId) -> Result<(u64, u64), Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::members(tenant, group)) };
        let checksum = |item: Item| Ok(member_checksum(&item::id(item::text(&item, SK)?)?));
        let checksums = self.directory.query_as(query, None, checksum).await?;
        Ok((checksums.len() as u64, checksums.iter().sum()))
    }

    /// Examines the counts of a resource's members and groups. The check counts twice, and waits in between until
    /// DynamoDB shows all items of a transaction. The resource has to be the same at the beginning and at the end, each
    /// time when no transaction is writing it.
    pub(super) async fn examine_counts(
        &self,
        tenant: &Tenant,
        kind: Kind,
        id: &ResourceId,
    ) -> Result<Examination, Error> {
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        let key = Key::resource(tenant, kind, id);
        for _ in 0..MAX_COUNTS {
            let before = self.directory.read_isolated(&key).await;
            let first = self.count_edges(tenant, kind, id).await?;
            if let Ok(Some(item)) = &before
                && self.repair_counts(tenant, kind, item.clone(), first)?.problems.is_empty()
            {
                return Ok(Examination::default());
            }
            if !self.wait_between_counts(&mut backoff).await {
                break;
            }
            let second = self.count_edges(tenant, kind, id).await?;
            match (before, self.directory.read_isolated(&key).await) {
                (Ok(None), _) | (_, Ok(None)) => return Ok(Examination::default()),
                (Ok(Some(before)), Ok(Some(now))) if first == second && before == now => {
                    return self.repair_counts(tenant, kind, now, first);
                }
                (Ok(_) | Err(Error::Contended), Ok(_) | Err(Error::Contended)) => {}
                (Err(error), _) | (_, Err(error)) => return Err(error),
            }
        }
        Ok(Examination::unrepairable(Problem::NotCounted))
    }

    /// Waits until DynamoDB shows all items of the transactions that were being written. Returns `false` if the time of
    /// the check is over.
    pub(super) async fn wait_between_counts(&self, backoff: &mut Backoff) -> bool {
        tokio::time::sleep(backoff.next_pause().max(self.directory.torn_time)).await;
        Instant::now() <= self.until + MAX_OVERTIME
    }

    async fn count_edges(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<EdgeCounts, Error> {
        let groups = self.directory.count_items(key::groups_of(tenant, id)).await?;
        let members = match kind {
            Kind::User => (0, 0),
            Kind::Group => self.sum_members(tenant, id).await?,
        };
        Ok(EdgeCounts { groups, members })
    }

    /// The repair of a resource's counts, if they are wrong.
    fn repair_counts(
        &self,
        tenant: &Tenant,
        kind: Kind,
        item: Item,
        counted: EdgeCounts,
    ) -> Result<Examination, Error> {
        let is_negative = |counts: &[&str]| has_negative(&item, counts);
        let members_negative = is_negative(&MEMBER_COUNTS);
        let groups_negative = is_negative(&GROUP_COUNTS);
        let stored = item::stored(kind, item)?;
        let summary = &stored.member_summary;
        let is_wrong = members_negative || counted.members != (summary.count, summary.checksum);
        if kind == Kind::Group && summary.pending.is_none() && is_wrong {
            let attributes = vec!["members".to_owned()];
            let new = NewVersion { attributes, members: Some(counted.members), ..NewVersion::default() };
            let actions = self.new_version_actions(tenant, &stored, new)?;
            return Ok(Examination::repairable(Problem::MembersMiscounted, actions));
        }
        if counted.groups == stored.group_count && !groups_negative {
            return Ok(Examination::default());
        }
        let values =
            Item::from([("now".to_owned(), number(counted.groups)), ("was".to_owned(), number(stored.group_count))]);
        let unchanged = match stored.group_count {
            0 => "attribute_exists(pk) AND (attribute_not_exists(#groupCount) OR #groupCount <= :was)",
            _ => "#groupCount = :was",
        };
        let update = action::update(
            &self.directory.table,
            &Key::resource(tenant, kind, &stored.id),
            "SET #groupCount = :now",
            Some(unchanged),
            values,
            ConditionFailure::ResourceChanged,
        )?;
        Ok(Examination::repairable(Problem::GroupsMiscounted, [update]))
    }
}
