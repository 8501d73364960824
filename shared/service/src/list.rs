//! Listing resources (RFC 7644 §3.4.2, RFC 9865), oldest first or sorted: a page of all, or of those that match a filter.

use std::iter;

use futures_util::future::{try_join, try_join_all};
use protocol::{Error, Paging, Position, Query, cursor_response, list_response};
use schema::{Object, ResourceId, resource_type};
use store::Stored;

use crate::failure::failed;
use crate::start::Start;
use crate::{Context, Reply, all, matching, represent, start};

/// The most resources that a filter without a key is tried on, or that are sorted, for one request.
pub(crate) const MAX_READ: usize = protocol::limits::SCANNED_RESOURCES;

/// A page, as it was found.
pub(crate) struct Found {
    /// How many there are on all pages.
    pub(crate) total: usize,
    pub(crate) page: Vec<Stored>,
    /// Where the page ends; `None` if it holds nobody.
    pub(crate) end: Option<Position>,
    /// Whether there is somebody after the page.
    pub(crate) more: bool,
    /// The groups of a user that were read at the same time as the user.
    pub(crate) groups: Option<(ResourceId, Vec<ResourceId>)>,
}

/// Lists the resources of one kind, or of all.
///
/// # Errors
/// [`Error::TooMany`] where more than 50,000 resources would have to be looked at; what [`protocol::CursorKey::open`] refuses.
pub async fn list(context: &Context<'_>, query: &Query) -> Result<Reply, Error> {
    let start = start::find(context, query).await?;
    let is_plain = !query.is_sorted() && query.kind_queries.iter().all(|part| part.filter.is_none());
    let found = if is_plain {
        let (total, page) = try_join(count(context, query), all::page(context, query, &start)).await?;
        Found { total, ..page }
    } else {
        matching::page(context, query, &start).await?
    };
    let body = match &query.paging {
        Paging::Index(start_index) => {
            let total = total_results(*start_index, &start, &found, query);
            let indexes = *start_index..start_index.saturating_add(found.page.len());
            let leave = start::leave(context, query, indexes, &start, (found.end.as_ref(), found.more));
            let (resources, ()) = try_join(represented(context, query, found.page, found.groups), leave).await?;
            list_response(total, *start_index, resources)
        }
        Paging::Cursor(_) => {
            let next = start::next_cursor(context, query, &found).await?;
            let resources = represented(context, query, found.page, found.groups).await?;
            cursor_response(found.total.max(resources.len()), next, resources)
        }
    };
    Ok(Reply { status: 200, location: None, version: None, body: Some(body) })
}

/// The sum of the counts that every create and delete keeps.
async fn count(context: &Context<'_>, query: &Query) -> Result<usize, Error> {
    let tenant = &context.caller.tenant;
    let counts: Vec<_> = query.kind_queries.iter().map(|part| context.directory.count(tenant, part.kind)).collect();
    let counts = try_join_all(counts).await.map_err(failed)?;
    Ok(usize::try_from(counts.into_iter().sum::<u64>()).unwrap_or(usize::MAX))
}

/// `totalResults`, by which many clients know whether to ask for another page.
///
/// Who was on an earlier page may be gone by now, and so the true number may be less than what the client has already. So
/// with more to come, it is never less than the next page's `startIndex`; on the last page it is what the client has got
/// then, so that it neither stops early nor asks for ever. Beyond the end, and for `count=0`, it is the number that there are.
fn total_results(start_index: usize, start: &Start, found: &Found, query: &Query) -> usize {
    let through = (start_index - 1).saturating_add(found.page.len());
    let is_beyond = found.end.is_none() && !start.is_known();
    match found.more {
        true => found.total.max(through.saturating_add(1)),
        false if is_beyond || query.count == 0 => found.total,
        false => through,
    }
}

/// The resources of the page as the client sees them. Edges are read where the answer shows them.
async fn represented(
    context: &Context<'_>,
    query: &Query,
    page: Vec<Stored>,
    mut groups: Option<(ResourceId, Vec<ResourceId>)>,
) -> Result<Vec<Object>, Error> {
    let mut resources = Vec::with_capacity(page.len());
    let mut page = page.into_iter().peekable();
    while let Some(kind) = page.peek().map(|next| next.kind) {
        let stored: Vec<Stored> = iter::from_fn(|| page.next_if(|next| next.kind == kind)).collect();
        let definition = resource_type(kind);
        let wants_edges = query.projection.wants(definition, represent::edges_attribute(kind));
        represent::fits(&stored, wants_edges)?;
        let seen = match groups.take_if(|(id, _)| matches!(&*stored, [user] if user.id == *id)) {
            Some((_, groups)) => represent::with_groups(context, stored, vec![groups]).await?,
            None => represent::seen(context, kind, stored, wants_edges).await?,
        };
        resources.extend(seen.into_iter().map(|(_, resource)| query.projection.apply(definition, resource)));
    }
    Ok(resources)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use protocol::Parameters;
    use schema::{Dialect, Kind};

    use super::*;

    fn stored(n: usize) -> Stored {
        let id = ResourceId::parse(&format!("0191b1c8-7a60-7c3e-8a3e-{n:012}")).unwrap();
        let (created, last_modified) = (String::new(), String::new());
        let (resource, member_summary) = (Object::new(), store::MemberSummary::default());
        Stored { id, kind: Kind::User, version: 1, created, last_modified, resource, member_summary, group_count: 0 }
    }

    /// What the page says that begins at `start_index` and holds `length` resources, when the counts say `total`.
    fn says(start_index: usize, known: bool, total: usize, length: usize, more: bool) -> usize {
        let page: Vec<Stored> = (0..length).map(stored).collect();
        let end = page.last().map(|last| Position::new(None, last.kind, last.id.clone()));
        let start = match NonZeroUsize::new(start_index - 1).filter(|_| !known) {
            Some(before) => Start::Skip(before),
            None => Start::After(end.clone()),
        };
        let parameters = Parameters { count: Some(100), ..Parameters::default() };
        let query = Query::parse(&[Kind::User], parameters, &Dialect::lenient()).unwrap();
        total_results(start_index, &start, &Found { total, page, end, more, groups: None }, &query)
    }

    #[test]
    fn no_walker_stops_early_or_never() {
        for (start_index, known, total, length, more, expect) in [
            (1, true, 250, 100, true, 250),
            (1, true, 30, 30, false, 30),
            (1, true, 0, 0, false, 0),
            // 60 of those on the first two pages are gone; there is one after the page.
            (101, true, 141, 100, true, 201),
            (101, true, 250, 100, true, 250),
            // The last page: what the client has got by then, whatever came and went.
            (201, true, 190, 50, false, 250),
            (201, true, 260, 50, false, 250),
            (251, true, 190, 0, false, 250),
            // Nobody knows a page there.
            (251, false, 190, 0, false, 190),
            (101, false, 150, 50, false, 150),
        ] {
            let got = says(start_index, known, total, length, more);
            assert_eq!(got, expect, "{start_index} {known} {total} {length} {more}");
        }
    }
}
