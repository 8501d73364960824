//! A page of all resources, oldest first, users before groups: its cost grows with the page and not with the list.

use std::num::NonZeroUsize;

use protocol::{Error, Position, Query};
use schema::{Kind, ResourceId};
use store::{Fields, Skip};

use super::page::Page;
use super::paging::PageStart;
use crate::Context;
use crate::error::to_client_error;
use crate::represent::Represented;

/// Reads the page. The caller sets `total`.
pub(super) async fn page(context: &Context<'_>, query: &Query, start: &PageStart) -> Result<Page, Error> {
    let mut page = Page::default();
    if query.count == 0 {
        return Ok(page);
    }
    let Some((first, mut after)) = locate(context, query, start).await? else { return Ok(page) };
    for kind in query.kind_queries.iter().map(|part| part.kind).filter(|kind| *kind >= first) {
        let missing = query.count - page.resources.len();
        let read = context.directory.page(context.tenant(), kind, after.as_ref(), missing, Fields::All).await;
        let read = read.map_err(to_client_error)?;
        let base_url = context.exchange.base_url;
        page.resources.extend(read.items.into_iter().map(|stored| Represented::new(base_url, stored)));
        if read.more {
            page.has_more = true;
            break;
        }
        after = None;
    }
    let last = page.resources.last().map(|last| &last.stored);
    page.end = last.map(|last| Position::new(None, last.kind, last.id.clone()));
    Ok(page)
}

/// The kind in which the page begins, and the resource after which it begins; `None` beyond the end of the list.
async fn locate(
    context: &Context<'_>,
    query: &Query,
    start: &PageStart,
) -> Result<Option<(Kind, Option<ResourceId>)>, Error> {
    let mut left = match start {
        PageStart::After(None) => return Ok(query.kind_queries.first().map(|part| (part.kind, None))),
        PageStart::After(Some(position)) => return Ok(Some((position.kind, Some(position.id.clone())))),
        PageStart::Skip(before) => *before,
    };
    let mut parts = query.kind_queries.iter().peekable();
    while let Some(part) = parts.next() {
        let skipped = context.directory.skip(context.tenant(), part.kind, left).await.map_err(to_client_error)?;
        match skipped {
            Skip::Reached(id) => return Ok(Some((part.kind, Some(id)))),
            Skip::Exhausted { left: rest } => match NonZeroUsize::new(rest) {
                Some(rest) => left = rest,
                None => return Ok(parts.peek().map(|next| (next.kind, None))),
            },
        }
    }
    Ok(None)
}
