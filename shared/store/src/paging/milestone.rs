//! Jumps into the middle of the list of all resources of a kind: the jump counts the resources before its target, from
//! the last known position on.
//!
//! A jump saves positions that it has passed. The next jump within an hour begins there. If resources before such a
//! position are deleted meanwhile, a page begins earlier than its index by their number: a client may receive resources
//! twice and misses none.

use std::num::NonZeroUsize;
use std::time::Instant;

use aws_sdk_dynamodb::types::Select;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};
use serde::{Deserialize, Serialize};

use crate::clock::now_seconds;
use crate::error::classify;
use crate::item;
use crate::key::{self, Key};
use crate::read::query::{CollectionQuery, items_per_query, send_query};
use crate::{Directory, Error};

/// Jumps over fewer resources read and save no positions: counting them takes one call.
const MIN_DISTANCE: usize = 1000;
/// The largest number of positions that one jump saves, besides its end.
const MAX_MILESTONES: usize = 15;
/// The time for which a position is used.
const TTL_SECONDS: u64 = protocol::limits::BOOKMARK_SECONDS;

/// The result of skipping a number of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The last of the skipped resources. There may be none after it.
    Reached(ResourceId),
    /// The collection has fewer resources: `left` of the number could not be skipped.
    Exhausted { left: usize },
    /// The deadline came first. The next call continues where this one ended.
    OutOfTime,
}

/// A position in the list of all resources of a kind: `index` of them come before the one after `id`.
#[derive(Debug, Clone)]
struct Milestone {
    index: usize,
    id: ResourceId,
}

#[derive(Serialize, Deserialize)]
struct MilestoneItem {
    index: usize,
    position: String,
    expires: u64,
}

impl Directory {
    /// Skips the first `n` resources. It costs as many units as reading the resources after the last known position.
    ///
    /// # Errors
    /// The errors of [`Directory::page`].
    pub async fn skip(&self, tenant: &Tenant, kind: Kind, n: NonZeroUsize, deadline: Instant) -> Result<Skip, Error> {
        let start = if n.get() < MIN_DISTANCE { None } else { self.last_milestone(tenant, kind, n.get()).await? };
        // A position that follows from another one is as old as that.
        let expires = start.as_ref().map_or_else(|| now_seconds() + TTL_SECONDS, |(_, expires)| *expires);
        let mut passed: Vec<Milestone> = start.map(|(start, _)| start).into_iter().collect();
        let first = passed.first().map_or(0, |start| start.index);
        let skip = self.count_off(tenant, kind, n.get(), &mut passed, deadline).await?;
        passed.retain(|milestone| milestone.index > first);
        if skip == Skip::OutOfTime {
            self.save_milestones(tenant, kind, &passed, expires).await?;
        } else if passed.last().is_some_and(|last| last.index >= first + MIN_DISTANCE)
            && let Err(error) = self.save_milestones(tenant, kind, &passed, expires).await
        {
            tracing::warn!(cause = %error, "failed to save positions; the next jump counts again");
        }
        Ok(skip)
    }

    /// Counts resources after the last position of `passed`, until `n` are counted in all, and adds the positions at
    /// which calls end.
    async fn count_off(
        &self,
        tenant: &Tenant,
        kind: Kind,
        n: usize,
        passed: &mut Vec<Milestone>,
        deadline: Instant,
    ) -> Result<Skip, Error> {
        let known = passed.len();
        loop {
            let last = passed.last();
            let (index, after) = last.map_or((0, None), |last| (last.index, Some(last.id.as_str())));
            if let Some(last) = last.filter(|last| last.index >= n) {
                return Ok(Skip::Reached(last.id.clone()));
            }
            if passed.len() > known && Instant::now() >= deadline {
                return Ok(Skip::OutOfTime);
            }
            let query = CollectionQuery { after, ..CollectionQuery::all(key::resources(tenant, kind)) };
            let limit = items_per_query(n - index);
            let response = send_query(|| self.query_request(&query).select(Select::Count).limit(limit)).await?;
            let index = index + usize::try_from(response.count()).unwrap_or(0);
            let Some(last) = response.last_evaluated_key else {
                return Ok(Skip::Exhausted { left: n.saturating_sub(index) });
            };
            passed.push(Milestone { index, id: item::id(item::text(&last, key::SK)?)? });
        }
    }

    /// The last position that is known with at most `n` resources before it, and when it expires.
    async fn last_milestone(&self, tenant: &Tenant, kind: Kind, n: usize) -> Result<Option<(Milestone, u64)>, Error> {
        let from = Key::milestone(tenant, kind, 0);
        let to = Key::milestone(tenant, kind, n);
        let query = CollectionQuery { between: Some((&from.sk, &to.sk)), ..CollectionQuery::all(from.pk) };
        let response = send_query(|| self.query_request(&query).limit(1).scan_index_forward(false)).await?;
        let Some(item) = response.items.unwrap_or_default().pop() else { return Ok(None) };
        let Ok(MilestoneItem { index, position, expires }) = item::body(item) else {
            // Another release has written it. The jump counts from the beginning.
            return Ok(None);
        };
        if expires <= now_seconds() {
            return Ok(None);
        }
        Ok(Some((Milestone { index, id: item::id(&position)? }, expires)))
    }

    /// Saves the last position, and some of those before it at equal distances.
    async fn save_milestones(
        &self,
        tenant: &Tenant,
        kind: Kind,
        passed: &[Milestone],
        expires: u64,
    ) -> Result<(), Error> {
        self.check_not_foreign()?;
        let step = passed.len().div_ceil(MAX_MILESTONES);
        let puts = passed.iter().rev().step_by(step).map(|milestone| {
            let item = MilestoneItem { index: milestone.index, position: milestone.id.to_string(), expires };
            let item = item::with_key(&Key::milestone(tenant, kind, milestone.index), &item)?;
            Ok(self.client.put_item().table_name(&self.table).set_item(Some(item)))
        });
        let puts: Vec<_> = puts.collect::<Result<_, Error>>()?;
        let puts =
            puts.into_iter().map(async |put| put.send().await.map(|_| ()).map_err(|error| classify("PutItem", &error)));
        stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(MAX_MILESTONES).try_collect().await
    }
}
