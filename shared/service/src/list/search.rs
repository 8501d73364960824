//! The resources that match a filter, or that have to be sorted (RFC 7644 §3.4.2.2, §3.4.2.3). All candidates are
//! read, for the true number of matches and, if sorted, for their positions. Only the resources of the page are
//! kept.

use std::collections::HashMap;
use std::mem;
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use protocol::{Error, KindQuery, Position, Query};
use schema::{Kind, ResourceId, resource_type};
use store::{Fields, Stored};

use super::membership_index::{MembershipIndex, related_ids};
use super::page::Page;
use super::paging::PageStart;
use super::planner::{AccessPath, choose_access_path};
use crate::Context;
use crate::error::to_client_error;
use crate::read_set::{ReadPlan, ReadSet};
use crate::represent::{self, Represented};

/// The maximum number of resources that one request reads to filter them without an index, or to sort them.
const MAX_SCANNED: usize = protocol::limits::SCANNED_RESOURCES;
/// The number of resources that are read at a time.
const CHUNK: usize = 1000;
/// The longest time that one request scans. API Gateway waits 29 seconds for a response, and then responds with 504
/// without a reason.
const SCAN_BUDGET: Duration = Duration::from_secs(protocol::limits::LIST_SECONDS);

/// Reads the page.
pub(super) async fn page(context: &Context<'_>, query: &Query, start: &PageStart) -> Result<Page, Error> {
    let mut scan = FilterScan::new(context, query, start);
    for part in &query.kind_queries {
        if let Some(index) = MembershipIndex::load(context, part).await? {
            scan.indexes.insert(part.kind, index);
        }
        match part.filter.as_ref().and_then(|filter| choose_access_path(part.kind, filter)) {
            Some(path) => {
                let ids = candidates(context, part.kind, path, scan.indexes.get(&part.kind)).await?;
                scan.read_candidates(part, ids).await?;
            }
            None => scan.read_all(part).await?,
        }
    }
    if query.is_sorted() { scan.into_sorted_page().await } else { Ok(scan.into_page()) }
}

/// The ids to which an access path leads, oldest first.
async fn candidates(
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
        AccessPath::Name(name) => {
            directory.name_owner(tenant, kind, &name).await.map(|owner| owner.into_iter().collect())
        }
        AccessPath::Lookup(index, value) => directory.lookup(tenant, index, &value).await,
        AccessPath::NamePrefix(prefix) => directory.name_owners_by_prefix(tenant, kind, &prefix, MAX_SCANNED + 1).await,
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

/// Checks how many resources were read, and for how long, when there may be more to read.
fn check_bounds(scanned: usize, has_more: bool, elapsed: Duration) -> Result<(), Error> {
    const ADVICE: &str = "Add a filter that narrows it down: `id eq`, `externalId eq`, `userName eq` or `sw`, `emails.value eq`, \
                          for groups `displayName eq` or `sw`, `members.value eq`. Without sortBy and filter, nothing is scanned.";
    if scanned > MAX_SCANNED || (scanned == MAX_SCANNED && has_more) {
        return Err(Error::TooMany(format!(
            "This query would have to scan more than {MAX_SCANNED} resources. {ADVICE}"
        )));
    }
    if has_more && elapsed > SCAN_BUDGET {
        let seconds = SCAN_BUDGET.as_secs();
        return Err(Error::TooMany(format!(
            "This query would have to scan more resources than can be read in {seconds} seconds. {ADVICE}"
        )));
    }
    Ok(())
}

/// Filters candidates and counts the matches. Unsorted, it keeps the resources of the page; sorted, all positions.
struct FilterScan<'a> {
    context: &'a Context<'a>,
    query: &'a Query,
    start: &'a PageStart,
    started: Instant,
    /// The number of resources that were read.
    scanned: usize,
    total: usize,
    resources: Vec<Represented>,
    has_more: bool,
    positions: Vec<Position>,
    indexes: HashMap<Kind, MembershipIndex>,
    reads: ReadSet,
}

impl<'a> FilterScan<'a> {
    fn new(context: &'a Context<'a>, query: &'a Query, start: &'a PageStart) -> Self {
        Self {
            context,
            query,
            start,
            started: Instant::now(),
            scanned: 0,
            total: 0,
            resources: Vec::new(),
            has_more: false,
            positions: Vec::new(),
            indexes: HashMap::new(),
            reads: ReadSet::default(),
        }
    }

    async fn read_candidates(&mut self, part: &KindQuery, ids: Vec<ResourceId>) -> Result<(), Error> {
        check_bounds(self.scanned + ids.len(), false, Duration::ZERO)?;
        let context = self.context;
        for ids in ids.chunks(CHUNK) {
            check_bounds(self.scanned, true, self.started.elapsed())?;
            let read =
                async { context.directory.get_many(context.tenant(), part.kind, ids).await.map_err(to_client_error) };
            let stored = if let [id] = ids {
                // The most frequent case is that an identity provider checks whether one user exists, so the reads
                // run at the same time.
                let plan = ReadPlan::for_response(part.kind, id.as_str(), &self.query.projection);
                let (stored, reads) = try_join(read, ReadSet::load(context, &plan)).await?;
                self.reads = reads;
                stored
            } else {
                read.await?
            };
            self.take(part, stored).await?;
        }
        Ok(())
    }

    async fn read_all(&mut self, part: &KindQuery) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page =
                self.context.directory.page(self.context.tenant(), part.kind, after.as_ref(), CHUNK, Fields::All);
            let page = page.await.map_err(to_client_error)?;
            after = page.items.last().map(|last| last.id.clone());
            self.take(part, page.items).await?;
            check_bounds(self.scanned, page.more, self.started.elapsed())?;
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, part: &KindQuery, stored: Vec<Stored>) -> Result<(), Error> {
        self.scanned += stored.len();
        for (resource, position) in self.matching(part, stored, &self.reads).await? {
            self.total += 1;
            if self.query.is_sorted() {
                self.positions.push(position);
            } else if self.is_before_page(&position) {
                continue;
            } else if self.resources.len() < self.query.count {
                self.keep(resource)?;
            } else {
                self.has_more = true;
            }
        }
        Ok(())
    }

    /// Keeps a match for the page. Edges that were read for the filter would fill the memory if the response does
    /// not contain them, or is rejected because of their number.
    fn keep(&mut self, resource: Represented) -> Result<(), Error> {
        let kind = resource.stored.kind;
        if self.query.projection.wants(resource_type(kind), represent::edges_attribute(kind)) {
            self.resources.push(resource);
            return represent::check_response_size(self.resources.iter().map(|it| &it.stored));
        }
        self.resources.push(resource.without_edges());
        Ok(())
    }

    /// The resources that match, each with its position. `reads` holds what was read together with `stored`.
    async fn matching(
        &self,
        part: &KindQuery,
        stored: Vec<Stored>,
        reads: &ReadSet,
    ) -> Result<Vec<(Represented, Position)>, Error> {
        let base_url = self.context.exchange.base_url;
        let mut resources: Vec<_> = stored.into_iter().map(|stored| Represented::new(base_url, stored)).collect();
        let index = self.indexes.get(&part.kind);
        if let Some(index) = index {
            for resource in &mut resources {
                resource.put_edges(index.edges_of(&resource.stored.id));
            }
        } else if part.reads(represent::edges_attribute(part.kind)) {
            resources = represent::add_edges(self.context, part.kind, resources, reads).await?;
        }
        let mut matching = Vec::new();
        for resource in resources {
            // One large resource can take a tenth of a second.
            check_bounds(0, true, self.started.elapsed())?;
            if part.matches(&resource.body) {
                matching.push(resource);
            }
        }
        let with_position = |resource: Represented| {
            let position = self.query.position(part.kind, resource.stored.id.clone(), &resource.body);
            (if index.is_some() { resource.without_edges() } else { resource }, position)
        };
        Ok(matching.into_iter().map(with_position).collect())
    }

    /// Whether an unsorted match is on an earlier page. Unsorted matches come in the order of the list.
    fn is_before_page(&self, position: &Position) -> bool {
        match self.start {
            PageStart::After(None) => false,
            PageStart::After(Some(after)) => position.compare(after, self.query).is_le(),
            PageStart::Skip(before) => self.total <= before.get(),
        }
    }

    fn into_page(self) -> Page {
        let last = self.resources.last().map(|last| &last.stored);
        let end = last.map(|last| Position::new(None, last.kind, last.id.clone()));
        let has_more = self.has_more && self.query.count > 0;
        Page { total: self.total, resources: self.resources, end, has_more, reads: self.reads }
    }

    /// Reads the resources of the page again. One that was deleted, or no longer matches, since its position was
    /// found is left out, and the page continues with those that follow, so that only a page at the end of the list
    /// is empty.
    async fn into_sorted_page(mut self) -> Result<Page, Error> {
        let mut positions = mem::take(&mut self.positions);
        positions.sort_unstable_by(|one, other| one.compare(other, self.query));
        let first = match self.start {
            PageStart::After(None) => 0,
            PageStart::After(Some(after)) => positions.partition_point(|it| it.compare(after, self.query).is_le()),
            PageStart::Skip(before) => before.get(),
        };
        let mut left = positions.get(first..).unwrap_or_default();
        let mut page = Page { total: self.total, ..Page::default() };
        while !left.is_empty() && page.resources.len() < self.query.count {
            let (next, rest) = left.split_at(left.len().min(self.query.count - page.resources.len()));
            let read = self.read_again(next).await?;
            page.total -= next.len() - read.len();
            page.resources.extend(read);
            page.end = next.last().cloned();
            left = rest;
        }
        page.has_more = !left.is_empty() && self.query.count > 0;
        Ok(page)
    }

    /// The resources at these positions that still exist and still match, in the order of the positions.
    async fn read_again(&self, positions: &[Position]) -> Result<Vec<Represented>, Error> {
        let mut found = HashMap::new();
        for part in &self.query.kind_queries {
            let of_kind = positions.iter().filter(|position| position.kind == part.kind);
            let ids: Vec<ResourceId> = of_kind.map(|position| position.id.clone()).collect();
            if ids.is_empty() {
                continue;
            }
            let stored = self.context.directory.get_many(self.context.tenant(), part.kind, &ids).await;
            // What was read together with the candidates is older than `stored`.
            let matching = self.matching(part, stored.map_err(to_client_error)?, &ReadSet::default()).await?;
            found.extend(matching.into_iter().map(|(it, _)| ((it.stored.kind, it.stored.id.clone()), it)));
        }
        Ok(positions.iter().filter_map(|it| found.remove(&(it.kind, it.id.clone()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scan_beyond_its_bounds_is_refused() {
        let check = |scanned, has_more, seconds| {
            check_bounds(scanned, has_more, Duration::from_secs(seconds)).map_err(|error| error.to_string())
        };
        for within in
            [check(0, true, 0), check(MAX_SCANNED, false, 0), check(MAX_SCANNED - 1, true, 17), check(5, false, 60)]
        {
            assert_eq!(within, Ok(()));
        }
        for (beyond, word) in [
            (check(MAX_SCANNED, true, 0), "50000"),
            (check(MAX_SCANNED + 1, false, 0), "50000"),
            (check(1, true, 19), "18 seconds"),
        ] {
            assert!(beyond.is_err_and(|detail| detail.contains(word)), "{word}");
        }
    }
}
