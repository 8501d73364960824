//! A page of all resources, oldest first, users before groups: it costs what it holds.

use std::num::NonZeroUsize;

use protocol::{Error, Position, Query};
use schema::{Kind, ResourceId};
use store::{Fields, Skip};

use super::Found;
use super::paging::Start;
use crate::Context;
use crate::error::failed;

/// Reads the page. `total` is left for the caller.
pub(crate) async fn page(context: &Context<'_>, query: &Query, start: &Start) -> Result<Found, Error> {
    let mut found = Found { total: 0, page: Vec::new(), end: None, more: false, groups: None };
    if query.count == 0 {
        return Ok(found);
    }
    let Some((first, mut after)) = place(context, query, start).await? else { return Ok(found) };
    for kind in query.kind_queries.iter().map(|part| part.kind).filter(|kind| *kind >= first) {
        let left = query.count - found.page.len();
        let tenant = context.tenant();
        let read = context.directory.page(tenant, kind, after.as_ref(), left, Fields::All).await.map_err(failed)?;
        found.page.extend(read.items);
        if read.more {
            found.more = true;
            break;
        }
        after = None;
    }
    found.end = found.page.last().map(|last| Position::new(None, last.kind, last.id.clone()));
    Ok(found)
}

/// The kind that the page begins in, and after whom; `None` if that is beyond the end.
async fn place(
    context: &Context<'_>,
    query: &Query,
    start: &Start,
) -> Result<Option<(Kind, Option<ResourceId>)>, Error> {
    let mut left = match start {
        Start::After(None) => return Ok(query.kind_queries.first().map(|part| (part.kind, None))),
        Start::After(Some(position)) => return Ok(Some((position.kind, Some(position.id.clone())))),
        Start::Skip(before) => *before,
    };
    let mut parts = query.kind_queries.iter().peekable();
    while let Some(part) = parts.next() {
        match context.directory.skip(context.tenant(), part.kind, left).await.map_err(failed)? {
            Skip::Reached(id) => return Ok(Some((part.kind, Some(id)))),
            Skip::Exhausted { left: rest } => match NonZeroUsize::new(rest) {
                Some(rest) => left = rest,
                None => return Ok(parts.peek().map(|next| (next.kind, None))),
            },
        }
    }
    Ok(None)
}
