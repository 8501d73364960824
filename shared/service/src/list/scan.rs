//! A page of all resources, oldest first, users before groups: its cost grows with the page and not with the list.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use protocol::limits::LIST_SECONDS;
use protocol::{Error, Query};
use schema::{Kind, ResourceId};
use store::Skip;

use super::page::{Contents, ListPage};
use super::paging::PageStart;
use crate::Context;
use crate::error::to_client_error;
use crate::represent::Representation;

/// Reads the page. The caller sets `total`.
pub(super) async fn page(context: &Context<'_>, query: &Query, start: &PageStart) -> Result<ListPage, Error> {
    if query.count == 0 {
        return Ok(ListPage::default());
    }
    let Some((first, mut after)) = locate(context, query, start).await? else { return Ok(ListPage::default()) };
    let mut contents = Contents::new(query);
    for kind in query.kind_queries.iter().map(|part| part.kind).filter(|kind| *kind >= first) {
        if fill(context, kind, after.take(), &mut contents, query.count).await? {
            return Ok(ListPage { has_more: true, ..contents.into_page() });
        }
    }
    Ok(contents.into_page())
}

/// Fills a page with the resources of one kind. Returns whether there are more of them.
async fn fill(
    context: &Context<'_>,
    kind: Kind,
    mut after: Option<ResourceId>,
    contents: &mut Contents<'_>,
    count: usize,
) -> Result<bool, Error> {
    loop {
        let missing = count - contents.len();
        let read = context.directory.page(context.tenant(), kind, after.as_ref(), missing).await;
        let read = read.map_err(to_client_error)?;
        after = read.items.last().map(|last| last.id.clone());
        for item in read.items {
            let stored = item.parse().map_err(to_client_error)?;
            if !contents.add(Representation::new(context.exchange.base_url, stored))? {
                return Ok(true);
            }
        }
        if !read.more || contents.len() == count {
            return Ok(read.more);
        }
    }
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
    let deadline = Instant::now() + Duration::from_secs(LIST_SECONDS);
    let mut parts = query.kind_queries.iter().peekable();
    while let Some(part) = parts.next() {
        let skipped = context.directory.skip(context.tenant(), part.kind, left, deadline).await;
        match skipped.map_err(to_client_error)? {
            Skip::Reached(id) => return Ok(Some((part.kind, Some(id)))),
            Skip::OutOfTime => return Err(too_far()),
            Skip::Exhausted { left: rest } => match NonZeroUsize::new(rest) {
                Some(rest) => left = rest,
                None => return Ok(parts.peek().map(|next| (next.kind, None))),
            },
        }
    }
    Ok(None)
}

fn too_far() -> Error {
    Error::OutOfTime(format!(
        "The resources before this startIndex could not be counted in {LIST_SECONDS} seconds. Send the same request \
         again: it continues where this one stopped. Paging with `cursor` needs no counting."
    ))
}
