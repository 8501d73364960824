//! Where a page begins, and what is left behind for the next: a cursor (RFC 9865), or a bookmark for `startIndex` (RFC 7644
//! §3.4.2.4).
//!
//! A number says where a page begins only as long as nobody before it is deleted. So a page with more after it leaves a
//! bookmark for the next `startIndex`: the place of its last resource, by token and query. A walk from `startIndex` 1 by
//! steps of `itemsPerPage`, whatever the `count` of each page, then goes from place to place, and returns everyone who was there throughout and kept the value that
//! the list is sorted by exactly once, whoever else comes or goes; and a page costs what the first one costs.
//!
//! - A bookmark is there for an hour, and for a page that is asked for again. Each page of a new walk leaves its own over that
//!   of an old walk, so the new one never follows the old one.
//! - Two walks at once with one token and one query cannot be told apart. Of two places that both wait to be taken the
//!   earlier one is kept: nobody is missed by either walk, but one may see somebody twice who moved between their pages.
//!   A bookmark that was taken, or not for ten minutes, is awaited no longer. So a third walk at once, or an answer that is lost
//!   while another walk begins, can still cost somebody who stood behind a deletion: cursors cannot be mistaken for each other.
//! - A page that is asked for again may begin the next one earlier: somebody may be seen twice, and nobody is missed.
//! - The last page leaves one, too, unless it is the first page: who goes on until an empty page gets one. It is not awaited.
//! - Without a bookmark (a jump into the middle, a walk that rested for an hour) `startIndex` is counted off.
//! - Where a bookmark cannot be left, the page is refused: counted off, the next one could miss somebody. Only behind the last
//!   page, where nobody is missed, that is logged and no more.

use std::num::NonZeroUsize;
use std::ops::Range;

use protocol::{CursorKey, Error, Paging, Position, Query};
use sha2::{Digest, Sha256};
use store::{Bookmark, BookmarkKey, Expected};

use super::Found;
use crate::Context;
use crate::error::failed;

/// Where a page begins.
pub(crate) enum Start {
    /// After this place; `None` for the beginning.
    After(Option<Position>),
    /// After so many.
    Skip(NonZeroUsize),
}

impl Start {
    /// Whether it is certain that the walk came this far.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, Start::After(_))
    }
}

/// Finds where the page begins. The first page needs no call.
pub(crate) async fn find(context: &Context<'_>, query: &Query) -> Result<Start, Error> {
    match &query.paging {
        Paging::Cursor(None) => Ok(Start::After(None)),
        Paging::Cursor(Some(cursor)) => {
            let key = cursor_key(context).await?;
            key.open(context.tenant(), query, cursor, now()).map(Some).map(Start::After)
        }
        Paging::Index(start_index) => {
            let Some(before) = NonZeroUsize::new(start_index - 1) else { return Ok(Start::After(None)) };
            if query.count == 0 {
                return Ok(Start::Skip(before));
            }
            let hash = hash(query);
            let key = BookmarkKey { caller: context.exchange.caller, query: &hash, start_index: *start_index };
            let position = context.directory.take_bookmark(key, now()).await.map_err(failed)?;
            let position = position.as_deref().and_then(|text| serde_json::from_str(text).ok());
            Ok(position.map_or(Start::Skip(before), |position| Start::After(Some(position))))
        }
    }
}

/// Leaves a bookmark for the page after the one of these indexes, where one is needed.
pub(crate) async fn leave(
    context: &Context<'_>,
    query: &Query,
    indexes: Range<usize>,
    start: &Start,
    (end, more): (Option<&Position>, bool),
) -> Result<(), Error> {
    let is_first = indexes.start == 1;
    let is_needed = more || (!is_first && start.is_known());
    let (true, Some(end)) = (is_needed, end) else { return Ok(()) };
    match try_leave(context, query, indexes.end, end, more).await {
        Err(error) if more => Err(failed(error)),
        Err(error) => {
            tracing::warn!(cause = %error, "the last page left no bookmark");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn try_leave(
    context: &Context<'_>,
    query: &Query,
    next: usize,
    end: &Position,
    has_more: bool,
) -> Result<(), store::Error> {
    let hash = hash(query);
    let key = BookmarkKey { caller: context.exchange.caller, query: &hash, start_index: next };
    let Ok(position) = serde_json::to_string(end) else { return Ok(()) };
    let bookmark = Bookmark { position: &position, has_more };
    let awaited = context.directory.save_bookmark(key, bookmark, now(), Expected::Free).await?;
    let Some(awaited) = awaited else { return Ok(()) };
    let is_earlier =
        serde_json::from_str(&awaited).map_or(true, |awaited: Position| end.compare(&awaited, query).is_lt());
    if is_earlier {
        context.directory.save_bookmark(key, bookmark, now(), Expected::Unclaimed(&awaited)).await?;
    }
    Ok(())
}

/// `nextCursor`, if there is a next page.
pub(crate) async fn next_cursor(context: &Context<'_>, query: &Query, found: &Found) -> Result<Option<String>, Error> {
    let (true, Some(end)) = (found.more, &found.end) else { return Ok(None) };
    let key = cursor_key(context).await?;
    key.seal(context.tenant(), query, end.clone(), now()).map(Some)
}

/// Read once in a process for each tenant.
async fn cursor_key(context: &Context<'_>) -> Result<CursorKey, Error> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(|_| Error::Internal)?;
    let secret = context.directory.cursor_secret(context.tenant(), fresh).await;
    secret.map(CursorKey).map_err(failed)
}

/// Stands for the list in a key.
fn hash(query: &Query) -> String {
    let digest = Sha256::digest(query.identity());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}
