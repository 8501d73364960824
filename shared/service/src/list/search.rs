//! The resources that match a filter, or that have to be sorted (RFC 7644 §3.4.2.2, §3.4.2.3). All candidates are
//! read, for the true number of matches and, if sorted, for their positions. Only the resources of the page are
//! kept.

use std::collections::HashMap;
use std::mem;

use futures_util::future::try_join;
use protocol::{Error, KindQuery, Position, Query};
use schema::{Kind, ResourceId};
use store::UnparsedResource;

use super::batch::ResourceBatch;
use super::bounds::Bounds;
use super::candidates::candidates;
use super::membership_index::MembershipIndex;
use super::page::{Contents, ListPage};
use super::paging::PageStart;
use super::planner::choose_access_path;
use crate::Context;
use crate::batch_size::BatchSize;
use crate::edges::edges_attribute;
use crate::error::to_client_error;
use crate::read_set::{ReadPlan, ReadSet};
use crate::represent::{self, Representation};

/// The number of resources that are read at a time, if they are small.
const CHUNK: usize = 1000;

/// Reads the page.
pub(super) async fn page(context: &Context<'_>, query: &Query, start: &PageStart) -> Result<ListPage, Error> {
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

/// Filters candidates and counts the matches. Unsorted, it keeps the resources of the page; sorted, all positions.
struct FilterScan<'a> {
    context: &'a Context<'a>,
    query: &'a Query,
    start: &'a PageStart,
    bounds: Bounds,
    total: usize,
    contents: Contents<'a>,
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
            bounds: Bounds::new(),
            total: 0,
            contents: Contents::new(query),
            has_more: false,
            positions: Vec::new(),
            indexes: HashMap::new(),
            reads: ReadSet::default(),
        }
    }

    async fn read_candidates(&mut self, part: &KindQuery, ids: Vec<ResourceId>) -> Result<(), Error> {
        self.bounds.check_candidates(ids.len())?;
        let mut left = ids.as_slice();
        let mut size = BatchSize::default();
        while !left.is_empty() {
            self.bounds.check(true)?;
            let (next, rest) = left.split_at(size.of(left.len()));
            let read = self.read(part.kind, next);
            let items = if let [id] = next {
                // The most frequent case is that an identity provider checks whether one user exists, so the reads
                // run at the same time.
                let plan = ReadPlan::for_response(part.kind, id.as_str(), &self.query.projection);
                let (items, reads) = try_join(read, ReadSet::load(self.context, &plan)).await?;
                self.reads = reads;
                items
            } else {
                read.await?
            };
            size.adapt_to(&items);
            self.take(part, items).await?;
            left = rest;
        }
        Ok(())
    }

    async fn read(&self, kind: Kind, ids: &[ResourceId]) -> Result<Vec<UnparsedResource>, Error> {
        let Context { directory, .. } = self.context;
        directory.get_many(self.context.tenant(), kind, ids).await.map_err(to_client_error)
    }

    async fn read_all(&mut self, part: &KindQuery) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.context.directory.page(self.context.tenant(), part.kind, after.as_ref(), CHUNK).await;
            let page = page.map_err(to_client_error)?;
            after = page.items.last().map(|last| last.id.clone());
            self.take(part, page.items).await?;
            self.bounds.check(page.more)?;
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Filters candidates, few enough at a time.
    async fn take(&mut self, part: &KindQuery, items: Vec<UnparsedResource>) -> Result<(), Error> {
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let batch = ResourceBatch::fill(self.context, &mut items)?;
            self.take_batch(part, batch).await?;
        }
        Ok(())
    }

    async fn take_batch(&mut self, part: &KindQuery, batch: ResourceBatch) -> Result<(), Error> {
        self.bounds.resources += batch.resources.len();
        self.bounds.bytes += batch.bytes;
        self.bounds.values += batch.values;
        let reads = mem::take(&mut self.reads);
        let matching = self.matching(part, batch, &reads).await;
        self.reads = reads;
        for (resource, position) in matching? {
            self.total += 1;
            if self.query.is_sorted() {
                self.bounds.sorted_text += position.text_bytes();
                self.positions.push(position);
            } else if self.has_more || self.contents.len() == self.query.count {
                self.has_more = true;
            } else if !self.is_before_page(&position) {
                self.has_more = !self.contents.add(resource)?;
            }
        }
        Ok(())
    }

    /// The resources that match, each with its position. `reads` was read together with them.
    async fn matching(
        &mut self,
        part: &KindQuery,
        batch: ResourceBatch,
        reads: &ReadSet,
    ) -> Result<Vec<(Representation, Position)>, Error> {
        let mut resources = batch.resources;
        let index = self.indexes.get(&part.kind);
        if let Some(index) = index {
            for resource in &mut resources {
                resource.put_edges(index.edges_of(&resource.stored.id));
            }
        } else if part.reads(edges_attribute(part.kind)) {
            self.bounds.count_edges(resources.iter().map(|resource| &resource.stored))?;
            resources = represent::add_edges(self.context, part.kind, resources, reads).await?;
        }
        let mut matching = Vec::new();
        for resource in resources {
            self.bounds.check_evaluation()?;
            if part.matches(&resource.body, &mut self.bounds.comparisons) {
                let position = self.query.position(part.kind, resource.stored.id.clone(), &resource.body);
                matching.push((if index.is_some() { resource.without_edges() } else { resource }, position));
            }
        }
        Ok(matching)
    }

    /// Whether an unsorted match is on an earlier page. Unsorted matches come in the order of the list.
    fn is_before_page(&self, position: &Position) -> bool {
        match self.start {
            PageStart::After(None) => false,
            PageStart::After(Some(after)) => position.compare(after, self.query.order()).is_le(),
            PageStart::Skip(before) => self.total <= before.get(),
        }
    }

    fn into_page(self) -> ListPage {
        let has_more = self.has_more && self.query.count > 0;
        ListPage { total: self.total, has_more, reads: self.reads, ..self.contents.into_page() }
    }

    /// Reads the resources of the page again. One that was deleted, or no longer matches, since its position was
    /// found is left out, and the page continues with those that follow, so that only a page at the end of the list
    /// is empty.
    async fn into_sorted_page(mut self) -> Result<ListPage, Error> {
        let mut positions = mem::take(&mut self.positions);
        positions.sort_unstable_by(|one, other| one.compare(other, self.query.order()));
        let first = match self.start {
            PageStart::After(None) => 0,
            PageStart::After(Some(after)) => after.count_before_next(&positions, self.query.order()),
            PageStart::Skip(before) => before.get(),
        };
        let mut left = positions.get(first..).unwrap_or_default();
        let mut end = None;
        let mut size = BatchSize::default();
        while !left.is_empty() && !self.has_more && self.contents.len() < self.query.count {
            let (next, rest) = left.split_at(size.of(left.len().min(self.query.count - self.contents.len())));
            let items = self.read_again(next, &mut size).await?;
            self.total -= next.len() - items.len();
            self.add_again(items).await?;
            end = if self.has_more { self.contents.last_of(next) } else { next.last() }.map(Position::to_saved).or(end);
            left = rest;
        }
        let has_more = (self.has_more || !left.is_empty()) && self.query.count > 0;
        Ok(ListPage { total: self.total, end, has_more, ..self.contents.into_page() })
    }

    /// The resources at these positions that still exist, in the same order.
    async fn read_again(&self, positions: &[Position], size: &mut BatchSize) -> Result<Vec<UnparsedResource>, Error> {
        let mut found = HashMap::new();
        for kind in self.query.kind_queries.iter().map(|part| part.kind) {
            let of_kind = positions.iter().filter(|position| position.kind == kind);
            let ids: Vec<ResourceId> = of_kind.map(|position| position.id.clone()).collect();
            if !ids.is_empty() {
                let items = self.read(kind, &ids).await?;
                size.adapt_to(&items);
                found.extend(items.into_iter().map(|item| ((kind, item.id.clone()), item)));
            }
        }
        Ok(positions.iter().filter_map(|it| found.remove(&(it.kind, it.id.clone()))).collect())
    }

    /// Adds resources that still match to the page, as long as it has room.
    async fn add_again(&mut self, items: Vec<UnparsedResource>) -> Result<(), Error> {
        let mut items = items.into_iter().peekable();
        while let Some(kind) = items.peek().map(|item| item.kind) {
            let batch = ResourceBatch::fill(self.context, &mut items)?;
            let Some(part) = self.query.kind_queries.iter().find(|part| part.kind == kind) else { continue };
            let read = batch.resources.len();
            // The reads together with the candidates are older.
            let matching = self.matching(part, batch, &ReadSet::default()).await?;
            self.total -= read - matching.len();
            for (resource, _) in matching {
                if !self.contents.add(resource)? {
                    self.has_more = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
