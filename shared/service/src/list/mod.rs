//! Lists resources (RFC 7644 §3.4.2, RFC 9865), oldest first or sorted: a page of all, or of those that match a
//! filter.

mod batch;
mod bounds;
mod candidates;
mod membership_index;
mod page;
mod paging;
mod planner;
mod scan;
mod search;

use futures_util::future::{try_join, try_join_all};
use protocol::{Error, Pagination, Query, Reply, cursor_response, list_response};
use schema::{Leniency, Object};

use crate::Context;
use crate::error::to_client_error;
use page::ListPage;

/// Lists the resources of one kind, or of all.
///
/// # Errors
/// [`Error::TooMany`] where the query would have to read or compare more than its limits allow,
/// [`Error::PayloadTooLarge`] for a page by `startIndex` that is too large and for groups with too many members for a
/// response, and the errors of [`protocol::CursorKey::open`].
pub async fn list(context: &Context<'_>, query: &Query) -> Result<Reply, Error> {
    let (body, _) = match (body(context, query).await, &query.alternative) {
        // A cursor belongs to the query that found something.
        (Ok((_, 0)) | Err(Error::InvalidCursor(_)), Some(alternative)) => {
            let found = body(context, alternative).await?;
            if found.1 > 0 {
                context.exchange.caller.dialect.tolerate(Leniency::PlusInQueries, "filter")?;
            }
            found
        }
        (found, _) => found?,
    };
    Ok(Reply { status: 200, body: Some(body), ..Reply::default() })
}

/// The body of the response, and the number of resources on all pages.
async fn body(context: &Context<'_>, query: &Query) -> Result<(Object, usize), Error> {
    let start = paging::find_start(context, query).await?;
    let is_plain = !query.is_sorted() && query.kind_queries.iter().all(|part| part.filter.is_none());
    let page = if is_plain {
        let (total, page) = try_join(count(context, query), scan::page(context, query, &start)).await?;
        ListPage { total, ..page }
    } else {
        search::page(context, query, &start).await?
    };
    let matches = page.total;
    let body = match &query.pagination {
        Pagination::Index(start_index) => {
            let total = page.total_results(*start_index, &start, query);
            let indexes = *start_index..start_index.saturating_add(page.resources.len());
            let page_end = page.end.clone();
            let bookmark = paging::save_bookmark(context, query, indexes, &start, page_end.as_ref(), page.has_more);
            let (resources, ()) = try_join(page.into_bodies(context, query), bookmark).await?;
            list_response(total, *start_index, resources)
        }
        Pagination::Cursor(_) => {
            let next = if page.has_next(query) {
                Some(paging::next_cursor(context, query, page.end.clone()).await?)
            } else {
                None
            };
            let total = page.total;
            let resources = page.into_bodies(context, query).await?;
            cursor_response(total.max(resources.len()), next, resources)
        }
    };
    Ok((body, matches))
}

/// The sum of the counts that every create and delete updates.
async fn count(context: &Context<'_>, query: &Query) -> Result<usize, Error> {
    let counts: Vec<_> =
        query.kind_queries.iter().map(|part| context.directory.count(context.tenant(), part.kind)).collect();
    let counts = try_join_all(counts).await.map_err(to_client_error)?;
    Ok(usize::try_from(counts.into_iter().sum::<u64>()).unwrap_or(usize::MAX))
}
