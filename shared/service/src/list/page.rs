//! A page of a list: the resources as the client receives them, and the data for the next page.

use std::iter;

use protocol::limits::{MEMBERS_IN_RESPONSE, PAGE_MEMORY};
use protocol::{Error, Pagination, Position, Query, memory_of};
use schema::{Object, resource_type};

use super::paging::PageStart;
use crate::Context;
use crate::edges::{check_response_size, edges_attribute};
use crate::read_set::ReadSet;
use crate::represent::{self, Representation};

/// The resources of a page while it is filled.
pub(super) struct Contents<'a> {
    query: &'a Query,
    resources: Vec<Representation>,
    memory: usize,
    /// Members of the groups, and groups of the users, that the response contains.
    edges: u64,
}

impl<'a> Contents<'a> {
    pub(super) fn new(query: &'a Query) -> Self {
        Self { query, resources: Vec::new(), memory: 0, edges: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }

    /// Adds the part of a resource that the response contains. Returns `false` if the page has no room for it, and ends
    /// before it.
    ///
    /// A page by cursor may end anywhere. A page by `startIndex` may not: clients that add `count` to `startIndex`, as
    /// Okta does, would skip resources.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] for a page by `startIndex` that has no room.
    pub(super) fn add(&mut self, resource: Representation) -> Result<bool, Error> {
        let resource = resource.reduced_to(&self.query.projection);
        let memory = self.memory + memory_of(&resource.body);
        let edges = self.edges + resource.edges_in_response(&self.query.projection);
        let is_full = memory > PAGE_MEMORY || edges > MEMBERS_IN_RESPONSE;
        if is_full && !self.resources.is_empty() {
            return match self.query.pagination {
                Pagination::Cursor(_) => Ok(false),
                Pagination::Index(_) => Err(Error::page_too_large(self.resources.len())),
            };
        }
        (self.memory, self.edges) = (memory, edges);
        self.resources.push(resource);
        Ok(true)
    }

    /// The position, among these, of the last resource.
    pub(super) fn last_of<'p>(&self, positions: &'p [Position]) -> Option<&'p Position> {
        let last = &self.resources.last()?.stored;
        positions.iter().find(|position| position.kind == last.kind && position.id == last.id)
    }

    /// The page, without its total. It ends with its last resource, in a list that is not sorted.
    pub(super) fn into_page(self) -> ListPage {
        let last = self.resources.last().map(|last| &last.stored);
        let end = last.map(|last| Position::new(None, last.kind, last.id.clone()));
        ListPage { resources: self.resources, end, ..ListPage::default() }
    }
}

/// The resources of a page, and where it ends.
#[derive(Default)]
pub(super) struct ListPage {
    /// The number of resources on all pages.
    pub(super) total: usize,
    pub(super) resources: Vec<Representation>,
    /// The position of the last resource; `None` if the page is empty.
    pub(super) end: Option<Position>,
    /// Whether other resources follow the page.
    pub(super) has_more: bool,
    /// The data that was read together with the candidate, if there was only one.
    pub(super) reads: ReadSet,
}

impl ListPage {
    /// `totalResults`, by which many clients decide whether to request another page.
    ///
    /// It is the true number, with two exceptions that keep a walk through the pages right while resources come and
    /// go. If another page follows, the result is never less than the next page's `startIndex`: resources on earlier
    /// pages may have been deleted since, and with the true number a client would stop early and miss the rest. On the
    /// last page it is never more than the client has received: a client would request pages that are empty.
    pub(super) fn total_results(&self, start_index: usize, start: &PageStart, query: &Query) -> usize {
        let through = (start_index - 1).saturating_add(self.resources.len());
        let is_beyond_end = self.end.is_none() && !start.is_exact();
        if self.has_more {
            self.total.max(through.saturating_add(1))
        } else if is_beyond_end || query.count == 0 {
            self.total
        } else {
            self.total.min(through)
        }
    }

    /// Whether another page by cursor follows. The page of `count=0` has no resources, and the same page follows it.
    pub(super) fn has_next(&self, query: &Query) -> bool {
        if query.count == 0 { self.total > 0 } else { self.has_more && self.end.is_some() }
    }

    /// The resources as the projection shows them. Edges are read where it includes them.
    pub(super) async fn into_bodies(self, context: &Context<'_>, query: &Query) -> Result<Vec<Object>, Error> {
        let mut bodies = Vec::with_capacity(self.resources.len());
        let mut resources = self.resources.into_iter().peekable();
        while let Some(kind) = resources.peek().map(|next| next.stored.kind) {
            let mut run: Vec<Representation> =
                iter::from_fn(|| resources.next_if(|next| next.stored.kind == kind)).collect();
            let definition = resource_type(kind);
            if query.projection.wants(definition, edges_attribute(kind)) {
                check_response_size(run.iter().map(|resource| &resource.stored))?;
                run = represent::add_edges(context, kind, run, &self.reads).await?;
            }
            bodies.extend(run.into_iter().map(|resource| query.projection.apply(definition, resource.body)));
        }
        Ok(bodies)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use protocol::Parameters;
    use schema::{Dialect, Kind, ResourceId};
    use store::{MemberSummary, StoredKeys, StoredResource};

    use super::*;

    fn resource(n: usize) -> Representation {
        let stored = StoredResource {
            id: ResourceId::parse(&format!("0191b1c8-7a60-7c3e-8a3e-{n:012}")).unwrap(),
            kind: Kind::User,
            version: 1,
            created: String::new(),
            last_modified: String::new(),
            resource: Object::new(),
            member_summary: MemberSummary::default(),
            group_count: 0,
            keys: StoredKeys::default(),
        };
        Representation::new("", stored)
    }

    /// `totalResults` of the page that begins at `start_index` and has `length` resources, if the number of all
    /// matches is `total`.
    fn total_results(start_index: usize, is_exact: bool, total: usize, length: usize, has_more: bool) -> usize {
        let resources: Vec<Representation> = (0..length).map(resource).collect();
        let end = resources.last().map(|last| Position::new(None, last.stored.kind, last.stored.id.clone()));
        let start = match NonZeroUsize::new(start_index - 1).filter(|_| !is_exact) {
            Some(before) => PageStart::Skip(before),
            None => PageStart::After(end.clone()),
        };
        let parameters = Parameters { count: Some(100), ..Parameters::default() };
        let query = Query::parse(&[Kind::User], parameters, &Dialect::lenient()).unwrap();
        let page = ListPage { total, resources, end, has_more, ..ListPage::default() };
        page.total_results(start_index, &start, &query)
    }

    /// How many groups with this number of members each, and with a text of this length, fit on a page of three.
    fn groups_on_a_page(cursor: Option<&str>, members: u64, text: usize) -> Result<usize, u16> {
        let cursor = cursor.map(str::to_owned);
        let parameters = Parameters { cursor, ..Parameters::default() };
        let query = Query::parse(&[Kind::Group], parameters, &Dialect::lenient()).unwrap();
        let mut contents = Contents::new(&query);
        for n in 0..3 {
            let mut group = resource(n);
            group.stored.kind = Kind::Group;
            group.stored.member_summary.count = members;
            group.body.insert("externalId".to_owned(), "x".repeat(text).into());
            if !contents.add(group).map_err(|error| error.status())? {
                break;
            }
        }
        Ok(contents.len())
    }

    #[test]
    fn page_without_room_ends_by_cursor_and_is_refused_by_index() {
        for (members, text, fit) in
            [(100, 1000, 3), (33_333, 0, 3), (33_334, 0, 2), (50_001, 0, 1), (400_000, 0, 1), (0, PAGE_MEMORY / 2, 1)]
        {
            assert_eq!(groups_on_a_page(Some(""), members, text), Ok(fit), "{members} {text}");
            let by_index = if fit == 3 { Ok(3) } else { Err(413) };
            assert_eq!(groups_on_a_page(None, members, text), by_index, "{members} {text}");
        }
    }

    #[test]
    fn total_results_under_concurrent_changes_ends_each_iteration_exactly_at_the_last_page() {
        for (start_index, is_exact, total, length, has_more, expect) in [
            (1, true, 250, 100, true, 250),
            (1, true, 30, 30, false, 30),
            (1, true, 0, 0, false, 0),
            // 60 of the resources on the first two pages are deleted; one follows the page.
            (101, true, 141, 100, true, 201),
            (101, true, 250, 100, true, 250),
            // The last page: the true number, but never more than the client has received.
            (11, true, 10, 10, false, 10),
            (201, true, 190, 50, false, 190),
            (201, true, 260, 50, false, 250),
            (251, true, 190, 0, false, 190),
            // No bookmark leads to a page there.
            (251, false, 190, 0, false, 190),
            (101, false, 150, 50, false, 150),
        ] {
            let got = total_results(start_index, is_exact, total, length, has_more);
            assert_eq!(got, expect, "{start_index} {is_exact} {total} {length} {has_more}");
        }
    }
}
