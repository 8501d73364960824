//! Counts that follow from other items: the members of a group, the groups of a resource, and the resources of a
//! tenant.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue::N;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::compare::Subjects;
use super::examined::{Examined, NewVersion};
use super::subject::Subject;
use super::{Check, MAX_OVERTIME, PAUSE_MS, Problem};
use crate::attributes::{Item, number};
use crate::changes::first_change_id;
use crate::clock::now_ms;
use crate::item::{self, member_checksum};
use crate::key::{self, Key, SK};
use crate::read::query::CollectionQuery;
use crate::transaction::action::{self, ADD_TO_COUNT, ConditionFailure};
use crate::{Backoff, ChangePage, Error, Stored, format};

/// The number of resources whose counts are compared at the same time.
const MAX_CONCURRENT_COUNTS: usize = 16;
/// How often a count is repeated until nothing changes meanwhile.
const MAX_COUNTS: usize = 10;

/// The counts of a resource's members, and of its groups.
pub(super) const MEMBER_COUNTS: [&str; 2] = ["memberCount", "memberMarks"];
pub(super) const GROUP_COUNTS: [&str; 1] = ["groupCount"];

/// Whether one of these counts of a resource is negative.
pub(super) fn has_negative(resource: &Item, counts: &[&str]) -> bool {
    let number = |name: &&str| resource.get(*name).and_then(|value| value.as_n().ok());
    counts.iter().filter_map(number).any(|number| number.starts_with('-'))
}

/// What the membership items of a resource show.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counted {
    groups: u64,
    /// The number of members, and their checksum.
    members: (u64, u64),
}

/// The number of ranges in which the resources of a tenant are counted at the same time.
const RANGES: u64 = 16;
/// No clock is this much behind, and no commit takes this long, in milliseconds.
const MAX_CLOCK_SKEW_MS: u64 = 120_000;

impl Check<'_> {
    /// The resources whose counts differ from their membership items.
    pub(super) async fn miscounted(&self, counted: Vec<(Tenant, Stored)>) -> Result<Subjects, Error> {
        let is_miscounted = async |(tenant, stored): (Tenant, Stored)| {
            let groups = async || {
                let pk = key::groups_of(&tenant, &stored.id);
                Ok(stored.group_count == 0 || self.directory.count_items(pk).await? == stored.group_count)
            };
            let members = async || {
                let (count, checksum) = match stored.kind {
                    Kind::User => (0, 0),
                    Kind::Group => self.members_of(&tenant, &stored.id).await?,
                };
                Ok::<_, Error>((count, checksum) == (stored.member_summary.count, stored.member_summary.checksum))
            };
            let is_right = match groups().await {
                Ok(true) => members().await,
                other => other,
            };
            let subject = Subject::Resource { kind: stored.kind, id: stored.id.clone(), version: 0 };
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

    /// The number of members that a group's membership items show, and their checksum.
    pub(super) async fn members_of(&self, tenant: &Tenant, group: &ResourceId) -> Result<(u64, u64), Error> {
        let query = CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::members(tenant, group)) };
        let checksum = |item: Item| Ok(member_checksum(&item::id(item::text(&item, SK)?)?));
        let checksums = self.directory.query_as(query, None, checksum).await?;
        Ok((checksums.len() as u64, checksums.iter().sum()))
    }

    /// The counts of members, or of groups, of a resource that are wrong. They are counted twice, with the time between
    /// after which DynamoDB shows all items of a transaction, and the resource has to be the same at the beginning and at
    /// the end, each time when no transaction is writing it.
    pub(super) async fn examine_counts(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Examined, Error> {
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        let key = Key::resource(tenant, kind, id);
        for _ in 0..MAX_COUNTS {
            let before = self.directory.read_isolated(&key).await;
            let first = self.counted(tenant, kind, id).await?;
            if let Ok(Some(item)) = &before
                && self.wrong_counts(tenant, kind, item.clone(), first)?.problems.is_empty()
            {
                return Ok(Examined::default());
            }
            if !self.wait_between_looks(&mut backoff).await {
                break;
            }
            let second = self.counted(tenant, kind, id).await?;
            match (before, self.directory.read_isolated(&key).await) {
                (Ok(None), _) | (_, Ok(None)) => return Ok(Examined::default()),
                (Ok(Some(before)), Ok(Some(now))) if first == second && before == now => {
                    return self.wrong_counts(tenant, kind, now, first);
                }
                (Ok(_) | Err(Error::Contended), Ok(_) | Err(Error::Contended)) => {}
                (Err(error), _) | (_, Err(error)) => return Err(error),
            }
        }
        Ok(Examined::by_hand(Problem::NotCounted))
    }

    /// Waits until everything is visible of what was being written. Returns `false` if the time of the check is over.
    async fn wait_between_looks(&self, backoff: &mut Backoff) -> bool {
        tokio::time::sleep(backoff.next_pause().max(self.directory.torn_time)).await;
        Instant::now() <= self.until + MAX_OVERTIME
    }

    async fn counted(&self, tenant: &Tenant, kind: Kind, id: &ResourceId) -> Result<Counted, Error> {
        let groups = self.directory.count_items(key::groups_of(tenant, id)).await?;
        let members = match kind {
            Kind::User => (0, 0),
            Kind::Group => self.members_of(tenant, id).await?,
        };
        Ok(Counted { groups, members })
    }

    /// The repair of a resource's counts, if they are wrong.
    fn wrong_counts(&self, tenant: &Tenant, kind: Kind, item: Item, counted: Counted) -> Result<Examined, Error> {
        let is_negative = |counts: &[&str]| has_negative(&item, counts);
        let (members_negative, groups_negative) = (is_negative(&MEMBER_COUNTS), is_negative(&GROUP_COUNTS));
        let stored = item::stored(kind, item)?;
        let summary = &stored.member_summary;
        let is_wrong = members_negative || counted.members != (summary.count, summary.checksum);
        if kind == Kind::Group && summary.pending.is_none() && is_wrong {
            let attributes = vec!["members".to_owned()];
            let new = NewVersion { attributes, members: Some(counted.members), ..NewVersion::default() };
            let actions = self.new_version(tenant, &stored, new)?.into();
            return Ok(Examined { problems: vec![Problem::MembersMiscounted], actions, ..Examined::default() });
        }
        if counted.groups == stored.group_count && !groups_negative {
            return Ok(Examined::default());
        }
        let (now, was) = (number(counted.groups), number(stored.group_count));
        let values = Item::from([("now".to_owned(), now), ("was".to_owned(), was)]);
        let unchanged = match stored.group_count {
            0 => "attribute_exists(pk) AND (attribute_not_exists(#groupCount) OR #groupCount <= :was)",
            _ => "#groupCount = :was",
        };
        let (table, key) = (&self.directory.table, Key::resource(tenant, kind, &stored.id));
        let (set, changed) = ("SET #groupCount = :now", ConditionFailure::ResourceChanged);
        let update = action::update(table, &key, set, Some(unchanged), values, changed)?;
        Ok(Examined { problems: vec![Problem::GroupsMiscounted], actions: vec![update], ..Examined::default() })
    }

    /// The kinds of tenants whose first resource is on this page, so that each is counted once in a check.
    pub(super) async fn first_resources(
        &self,
        first_of: BTreeMap<(Tenant, Kind), ResourceId>,
    ) -> Result<Subjects, Error> {
        let is_first = async |((tenant, kind), id): ((Tenant, Kind), ResourceId)| {
            let query =
                CollectionQuery { attributes: Some("sk"), ..CollectionQuery::all(key::resources(&tenant, kind)) };
            let first = self.directory.query(query, Some(1)).await?;
            let is_first = first.iter().any(|item| item::text(item, SK) == Ok(id.as_str()));
            Ok::<_, Error>(is_first.then_some((tenant, Subject::Count(kind))))
        };
        let found = try_join_all(first_of.into_iter().map(is_first)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Compares the counters of a kind with its resources. Resources come and go meanwhile: those of which a record
    /// tells are counted as they are at the end, while no counter changes and no transaction is writing one. A difference
    /// has to be the same twice.
    pub(super) async fn examine_count(&self, tenant: &Tenant, kind: Kind) -> Result<Examined, Error> {
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
                    0 => return Ok(Examined::default()),
                    _ if last == Some(difference) => return self.recount(tenant, kind, &counters, difference),
                    _ => last = Some(difference),
                }
            }
            if !self.wait_between_looks(&mut backoff).await {
                break;
            }
        }
        Ok(Examined::by_hand(Problem::NotCounted))
    }

    /// The repair of a count: the difference is added to one counter, if that has not changed.
    fn recount(&self, tenant: &Tenant, kind: Kind, counters: &[(Key, i64)], by: i64) -> Result<Examined, Error> {
        let new = (Key { pk: key::counts(tenant), sk: format!("{}0", key::count_prefix(kind)) }, 0);
        let (key, was) = counters.iter().max_by_key(|(_, total)| *total).unwrap_or(&new);
        let values = Item::from([
            ("by".to_owned(), number(by)),
            ("was".to_owned(), N(was.to_string())),
            (format::ATTRIBUTE.to_owned(), format::value()),
        ]);
        let condition =
            if counters.is_empty() { "attribute_not_exists(#total) OR #total = :was" } else { "#total = :was" };
        let (table, unchanged) = (&self.directory.table, ConditionFailure::EdgeChanged);
        let update = action::update(table, key, ADD_TO_COUNT, Some(condition), values, unchanged)?;
        Ok(Examined { problems: vec![Problem::ResourcesMiscounted], actions: vec![update], ..Examined::default() })
    }

    /// The counters of a kind, each as it is while no transaction is writing it. Those that do not exist are read, too: a
    /// transaction may be creating one, and may show its other items already.
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

    /// Eight bytes for each resource of a kind.
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
        let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT_COUNTS);
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
