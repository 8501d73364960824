//! The resources that match a filter, or that have to be sorted (RFC 7644 §3.4.2.2, §3.4.2.3): all of them are looked at, for
//! their true number and, sorted, for their places. Only those of the page are kept.

use std::collections::HashMap;
use std::mem;
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use protocol::{Error, KindQuery, Position, Query};
use schema::{Kind, ResourceId};
use serde_json::json;
use store::{Fields, Stored};

use crate::failure::failed;
use crate::list::{Found, MAX_READ};
use crate::plan::{Source, source};
use crate::related::{self, Related};
use crate::start::Start;
use crate::{Context, represent};

/// How many are read at a time.
const CHUNK: usize = 1000;
/// How long they are looked at. API Gateway waits 29 seconds for an answer, and says nothing of use to whoever waited.
const LONGEST: Duration = Duration::from_secs(protocol::limits::LIST_SECONDS);

/// Reads the page.
pub(crate) async fn page(context: &Context<'_>, query: &Query, start: &Start) -> Result<Found, Error> {
    let since = Instant::now();
    let (page, places, related) = (Vec::new(), Vec::new(), HashMap::new());
    let mut matches =
        Matches { context, query, start, since, read: 0, total: 0, page, more: false, places, related, groups: None };
    for part in &query.kind_queries {
        let related = related::read(context, part).await?;
        matches.related.extend(related.map(|related| (part.kind, related)));
        match part.filter.as_ref().and_then(|filter| source(part.kind, filter)) {
            Some(source) => {
                let ids = candidates(context, part.kind, source, matches.related.get(&part.kind)).await?;
                matches.look_up(part, ids).await?;
            }
            None => matches.walk(part).await?,
        }
    }
    if query.is_sorted() { matches.sorted().await } else { Ok(matches.unsorted()) }
}

async fn candidates(
    context: &Context<'_>,
    kind: Kind,
    source: Source,
    related: Option<&Related>,
) -> Result<Vec<ResourceId>, Error> {
    let (directory, tenant) = (context.directory, &context.caller.tenant);
    let ids = match source {
        Source::Nothing => Ok(Vec::new()),
        Source::Id(id) => Ok(vec![id]),
        Source::Name(name) => directory.name_owner(tenant, kind, &name).await.map(|owner| owner.into_iter().collect()),
        Source::Lookup(index, value) => directory.lookup(tenant, index, &value).await,
        Source::NamePrefix(prefix) => directory.name_owners_by_prefix(tenant, kind, &prefix, MAX_READ + 1).await,
        Source::GroupsOf(id) | Source::MembersOf(id) => {
            match related.and_then(|related| related.iter().find(|(it, _)| *it == id)) {
                Some((_, who)) => Ok(who.iter().cloned().collect()),
                None => return related::to(context, kind, &id).await,
            }
        }
    };
    let mut ids = ids.map_err(failed)?;
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Whether what was read so far, and for so long, is within the bounds, when there may be more to read.
fn within_bounds(read: usize, more: bool, spent: Duration) -> Result<(), Error> {
    const ADVICE: &str = "Add a filter that narrows it down: `id eq`, `externalId eq`, `userName eq` or `sw`, `emails.value eq`, \
                          for groups `displayName eq` or `sw`, `members.value eq`.";
    if read > MAX_READ || (read == MAX_READ && more) {
        return Err(Error::TooMany(format!(
            "More than {MAX_READ} resources would have to be looked at, to be tried or sorted. {ADVICE}"
        )));
    }
    if more && spent > LONGEST {
        let seconds = LONGEST.as_secs();
        return Err(Error::TooMany(format!(
            "After {seconds} seconds there were still resources to be looked at, to be tried or sorted. {ADVICE}"
        )));
    }
    Ok(())
}

/// Counts what matches. Unsorted, it keeps what stands on the page; sorted, every place.
struct Matches<'a> {
    context: &'a Context<'a>,
    query: &'a Query,
    start: &'a Start,
    since: Instant,
    /// How many were looked at.
    read: usize,
    total: usize,
    page: Vec<Stored>,
    more: bool,
    places: Vec<Position>,
    related: HashMap<Kind, Related>,
    groups: Option<(ResourceId, Vec<ResourceId>)>,
}

impl Matches<'_> {
    async fn look_up(&mut self, part: &KindQuery, ids: Vec<ResourceId>) -> Result<(), Error> {
        within_bounds(self.read + ids.len(), false, Duration::ZERO)?;
        for ids in ids.chunks(CHUNK) {
            within_bounds(self.read, true, self.since.elapsed())?;
            let tenant = &self.context.caller.tenant;
            let stored = async { self.context.directory.get_many(tenant, part.kind, ids).await.map_err(failed) };
            let (stored, groups) = match ids {
                // Whether somebody is there is what identity providers ask most.
                [id] => {
                    try_join(
                        stored,
                        represent::groups_beside(self.context, part.kind, id.as_str(), &self.query.projection),
                    )
                    .await?
                }
                _ => (stored.await?, None),
            };
            self.groups = ids.first().cloned().zip(groups);
            self.take(part, stored).await?;
        }
        Ok(())
    }

    async fn walk(&mut self, part: &KindQuery) -> Result<(), Error> {
        let mut after = None;
        loop {
            let (directory, tenant) = (self.context.directory, &self.context.caller.tenant);
            let page = directory.page(tenant, part.kind, after.as_ref(), CHUNK, Fields::All).await.map_err(failed)?;
            after = page.items.last().map(|last| last.id.clone());
            self.take(part, page.items).await?;
            within_bounds(self.read, page.more, self.since.elapsed())?;
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, part: &KindQuery, stored: Vec<Stored>) -> Result<(), Error> {
        self.read += stored.len();
        for (stored, position) in self.matching(part, stored).await? {
            self.total += 1;
            if self.query.is_sorted() {
                self.places.push(position);
            } else if !self.is_before_page(&position) {
                match self.page.len() < self.query.count {
                    true => self.page.push(stored),
                    false => self.more = true,
                }
            }
        }
        Ok(())
    }

    /// Those that match, each with its place.
    async fn matching(&self, part: &KindQuery, stored: Vec<Stored>) -> Result<Vec<(Stored, Position)>, Error> {
        let seen = match self.related.get(&part.kind) {
            Some(related) => stored.into_iter().map(|stored| self.with_related(stored, related)).collect(),
            None => {
                let with_edges = part.reads(represent::edges_attribute(part.kind));
                represent::seen(self.context, part.kind, stored, with_edges).await?
            }
        };
        let matching = seen.into_iter().filter(|(_, seen)| part.matches(seen));
        let place = |seen: represent::Seen| {
            let position = self.query.position(part.kind, seen.0.id.clone(), &seen.1);
            (represent::unseen(seen), position)
        };
        Ok(matching.map(place).collect())
    }

    fn with_related(&self, mut stored: Stored, related: &Related) -> represent::Seen {
        let edges = related.iter().filter(|(_, who)| who.contains(&stored.id));
        let edges = edges.map(|(value, _)| json!({"value": value.as_str()})).collect();
        let seen = represent::with_edges(self.context, &mut stored, edges);
        (stored, seen)
    }

    /// Unsorted they come in the order of the list.
    fn is_before_page(&self, position: &Position) -> bool {
        match self.start {
            Start::After(None) => false,
            Start::After(Some(after)) => position.compare(after, self.query).is_le(),
            Start::Skip(before) => self.total <= before.get(),
        }
    }

    fn unsorted(self) -> Found {
        let end = self.page.last().map(|last| Position::new(None, last.kind, last.id.clone()));
        let more = self.more && self.query.count > 0;
        Found { total: self.total, page: self.page, end, more, groups: self.groups }
    }

    /// Reads the resources of the page. Who was deleted or has come not to match since the places were found is left out, and
    /// the page goes on with those that follow, so that it is empty at the end of the list alone.
    async fn sorted(mut self) -> Result<Found, Error> {
        let mut places = mem::take(&mut self.places);
        places.sort_unstable_by(|one, other| one.compare(other, self.query));
        let first = match self.start {
            Start::After(None) => 0,
            Start::After(Some(after)) => places.partition_point(|place| place.compare(after, self.query).is_le()),
            Start::Skip(before) => before.get(),
        };
        let mut left = places.get(first..).unwrap_or_default();
        let mut found = Found { total: self.total, page: Vec::new(), end: None, more: false, groups: None };
        while !left.is_empty() && found.page.len() < self.query.count {
            let (next, rest) = left.split_at(left.len().min(self.query.count - found.page.len()));
            let read = self.read_again(next).await?;
            found.total -= next.len() - read.len();
            found.page.extend(read);
            found.end = next.last().cloned();
            left = rest;
        }
        found.more = !left.is_empty() && self.query.count > 0;
        Ok(found)
    }

    /// Those at the places that are still there and still match, in the order of the places.
    async fn read_again(&self, places: &[Position]) -> Result<Vec<Stored>, Error> {
        let mut there = HashMap::new();
        for part in &self.query.kind_queries {
            let ids: Vec<ResourceId> =
                places.iter().filter(|place| place.kind == part.kind).map(|place| place.id.clone()).collect();
            let tenant = &self.context.caller.tenant;
            let stored = match ids.is_empty() {
                true => Vec::new(),
                false => self.context.directory.get_many(tenant, part.kind, &ids).await.map_err(failed)?,
            };
            let matching = self.matching(part, stored).await?;
            there.extend(matching.into_iter().map(|(stored, _)| ((stored.kind, stored.id.clone()), stored)));
        }
        Ok(places.iter().filter_map(|place| there.remove(&(place.kind, place.id.clone()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_end_to_looking() {
        let says = |read, more, seconds| {
            within_bounds(read, more, Duration::from_secs(seconds)).map_err(|error| error.to_string())
        };
        for within in [says(0, true, 0), says(MAX_READ, false, 0), says(MAX_READ - 1, true, 17), says(5, false, 60)] {
            assert_eq!(within, Ok(()));
        }
        for (beyond, word) in [
            (says(MAX_READ, true, 0), "50000"),
            (says(MAX_READ + 1, false, 0), "50000"),
            (says(1, true, 19), "18 seconds"),
        ] {
            assert!(beyond.is_err_and(|problem| problem.contains(word)), "{word}");
        }
    }
}
