//! The counters of a tenant's resources, which have to agree with the number of the resources.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue::N;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::examination::Examination;
use super::subject::{CheckSubject, CheckSubjects};
use super::{MAX_COUNTS, PAUSE_MS, Problem, TableCheck};
use crate::attributes::{Item, number};
use crate::changes::first_change_id;
use crate::clock::now_ms;
use crate::item;
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::transaction::action::{self, ADD_TO_COUNT, ConditionFailure};
use crate::{Backoff, ChangePage, Error, format};

/// The number of ranges in which the resources of a tenant are counted at the same time.
const RANGES: u64 = 16;
/// The number of ranges that are read at the same time.
const MAX_CONCURRENT_RANGES: usize = 16;
/// No clock is this much behind, and no commit takes this long, in milliseconds.
const MAX_CLOCK_SKEW_MS: u64 = 120_000;

impl TableCheck<'_> {
    /// The counts to check: those of each tenant and kind whose first resource is on this page, so that a check counts
    /// each once.
    pub(super) async fn first_resources(
        &self,
        first_of: BTreeMap<(Tenant, Kind), ResourceId>,
    ) -> Result<CheckSubjects, Error> {
        let is_first = async |((tenant, kind), id): ((Tenant, Kind), ResourceId)| {
            let query =
                CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::resources(&tenant, kind)) };
            let first = self.directory.query(query, Some(1)).await?;
            let is_first = first.iter().any(|item| item::text(item, SK) == Ok(id.as_str()));
            Ok::<_, Error>(is_first.then_some((tenant, CheckSubject::Count(kind))))
        };
        let found = try_join_all(first_of.into_iter().map(is_first)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Compares the counters of a kind with its resources. Clients create and delete resources meanwhile: those that
    /// have a recent change record are counted as they are at the end, while no counter changes and no transaction is
    /// writing one. A difference has to be the same twice.
    pub(super) async fn examine_resource_count(&self, tenant: &Tenant, kind: Kind) -> Result<Examination, Error> {
        let since = first_change_id(now_ms().saturating_sub(MAX_CLOCK_SKEW_MS));
        let counted = self.hashes_of_all(tenant, kind).await?;
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        let mut last = None;
        for _ in 0..MAX_COUNTS {
            let before = self.counters(tenant, kind).await;
            let recent = self.recently_changed(tenant, kind, since.as_ref()).await?;
            let ids: HashSet<ResourceId> = recent.iter().cloned().collect();
            let now = self.directory.existing(tenant, &ids.iter().cloned().collect::<Vec<_>>()).await?;
            let counters = match (before, self.counters(tenant, kind).await) {
                (Ok(before), Ok(counters)) => Some(counters).filter(|now| *now == before),
                (Ok(_) | Err(Error::Contended), Ok(_) | Err(Error::Contended)) => None,
                (Err(error), _) | (_, Err(error)) => return Err(error),
            };
            // A create and a delete can leave a counter as it was.
            let is_still = recent == self.recently_changed(tenant, kind, since.as_ref()).await?;
            if let Some(counters) = counters.filter(|_| is_still) {
                let known = ids.iter().filter(|id| counted.contains(&hash(id))).count();
                let total = i64::try_from(counted.len() - known + now.len()).unwrap_or(i64::MAX);
                let difference = total - counters.iter().map(|(_, total)| total).sum::<i64>();
                match difference {
                    0 => return Ok(Examination::default()),
                    _ if last == Some(difference) => return self.repair_counter(tenant, kind, &counters, difference),
                    _ => last = Some(difference),
                }
            }
            if !self.wait_between_counts(&mut backoff).await {
                break;
            }
        }
        Ok(Examination::unrepairable(Problem::NotCounted))
    }

    /// The repair of a count: it adds the difference to one counter, on condition that the counter has not changed.
    fn repair_counter(
        &self,
        tenant: &Tenant,
        kind: Kind,
        counters: &[(Key, i64)],
        by: i64,
    ) -> Result<Examination, Error> {
        let new = (Key { pk: key::counts(tenant), sk: format!("{}0", key::count_prefix(kind)) }, 0);
        let (key, was) = counters.iter().max_by_key(|(_, total)| *total).unwrap_or(&new);
        let values = Item::from([
            ("by".to_owned(), number(by)),
            ("was".to_owned(), N(was.to_string())),
            (format::ATTRIBUTE.to_owned(), format::value()),
        ]);
        let condition =
            if counters.is_empty() { "attribute_not_exists(#total) OR #total = :was" } else { "#total = :was" };
        let table = &self.directory.table;
        let on_failure = ConditionFailure::EdgeChanged;
        let update = action::update(table, key, ADD_TO_COUNT, Some(condition), values, on_failure)?;
        Ok(Examination::repairable(Problem::ResourcesMiscounted, [update]))
    }

    /// The counters of a kind, each as it is while no transaction is writing it. The check also reads those that do not
    /// exist: a transaction may be creating one, and may show its other items already.
    async fn counters(&self, tenant: &Tenant, kind: Kind) -> Result<Vec<(Key, i64)>, Error> {
        let counter = async |key: Key| {
            let Some(item) = self.directory.read_isolated(&key).await? else { return Ok(None) };
            let total = item.get("total").and_then(|total| total.as_n().ok()?.parse().ok());
            let total = total.ok_or_else(|| Error::Corrupt("a counter is not a number".to_owned()))?;
            Ok::<_, Error>(Some((key, total)))
        };
        let counters = try_join_all(Key::counters(tenant, kind).map(counter)).await?;
        Ok(counters.into_iter().flatten().collect())
    }

    /// The resources of a kind that were created or deleted since, one for each record.
    async fn recently_changed(
        &self,
        tenant: &Tenant,
        kind: Kind,
        since: Option<&ResourceId>,
    ) -> Result<Vec<ResourceId>, Error> {
        let ChangePage { changes, unreadable } = self.directory.changes(tenant, since, usize::MAX).await?;
        if !unreadable.is_empty() {
            return Err(Error::Corrupt("a recent change record cannot be read".to_owned()));
        }
        let comes_or_goes =
            changes.into_iter().filter(|it| it.kind == kind && (it.before.is_none() || it.after.is_none()));
        Ok(comes_or_goes.map(|change| change.resource).collect())
    }

    /// The hashes of the ids of all resources of a kind, eight bytes for each.
    async fn hashes_of_all(&self, tenant: &Tenant, kind: Kind) -> Result<HashSet<u64>, Error> {
        let pk = key::resources(tenant, kind);
        let bounds = self.directory.range_bounds_of(&pk, RANGES).await?;
        let ranges = bounds.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        let reads = ranges.map(|(from, to)| {
            let query = CollectionQuery {
                between: Some((from, to)),
                attributes: Some("sk"),
                ..CollectionQuery::all(pk.clone())
            };
            self.directory.query_as(query, None, |item| Ok(hash(&item::id(item::text(&item, SK)?)?)))
        });
        let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT_RANGES);
        let mut hashes = HashSet::new();
        while let Some(some) = reads.try_next().await? {
            hashes.extend(some);
        }
        Ok(hashes)
    }
}

/// The random part of an id.
fn hash(id: &ResourceId) -> u64 {
    u64::from_str_radix(&id.as_str().get(19..).unwrap_or_default().replace('-', ""), 16).unwrap_or_default()
}
