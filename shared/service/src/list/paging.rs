//! Finds where a page begins, and creates the link to the next page: a cursor (RFC 9865), or a bookmark for
//! `startIndex` (RFC 7644 §3.4.2.4).
//!
//! An index identifies the beginning of a page only as long as no resource before it is deleted. So a page that is
//! followed by another one saves a bookmark for the next `startIndex`: the position of its last resource, by token
//! and query. A client that iterates from `startIndex` 1 in steps of `itemsPerPage`, whatever the `count` of each
//! page, then continues from position to position. It receives exactly once each resource that existed throughout
//! and kept the value by which the list is sorted, whatever else is created or deleted; and each page costs what
//! the first one costs.
//!
//! - A bookmark lives for an hour, also for a page that is requested again. Each page of a new iteration overwrites
//!   the bookmark of an old one, so that the new iteration never follows the old one.
//! - Two concurrent iterations with the same token and query cannot be distinguished. Of two positions that no page
//!   has used yet, the earlier one is kept: neither iteration misses a resource, but one may receive a resource
//!   twice that moved between their pages. A bookmark that was used, or was not used for ten minutes, can be
//!   overwritten. So a third concurrent iteration, or a response that is lost while another iteration begins, can
//!   still miss a resource that followed a deleted one. Cursors do not have this limit.
//! - A page that is requested again may make the next one begin earlier: a resource may come twice, and none is
//!   missed.
//! - The last page saves a bookmark, too, unless it is the first page, so that a client that continues until an
//!   empty page receives one. It can always be overwritten.
//! - Without a bookmark (a jump into the middle, an iteration that paused for an hour) the resources before
//!   `startIndex` are counted.
//! - If a bookmark cannot be saved, the page is rejected: counting for the next page could miss a resource. On the
//!   last page, where no resource can be missed, the error is only logged.

use std::num::NonZeroUsize;
use std::ops::Range;

use protocol::{CursorKey, Error, Pagination, Position, Query};
use sha2::{Digest, Sha256};
use store::{Bookmark, BookmarkCondition, BookmarkKey};

use crate::Context;
use crate::clock::now_seconds;
use crate::error::to_client_error;

/// Where a page begins.
pub(super) enum PageStart {
    /// After this position; `None` for the beginning of the list.
    After(Option<Position>),
    /// After this number of resources.
    Skip(NonZeroUsize),
}

impl PageStart {
    /// Whether the page begins at a known position, so that the client has received the pages before it.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, PageStart::After(_))
    }
}

/// Finds where the page begins. The first page needs no call.
pub(super) async fn find_start(context: &Context<'_>, query: &Query) -> Result<PageStart, Error> {
    match &query.pagination {
        Pagination::Cursor(None) => Ok(PageStart::After(None)),
        Pagination::Cursor(Some(cursor)) => {
            let key = cursor_key(context).await?;
            key.open(context.tenant(), query, cursor, now_seconds()).map(PageStart::After)
        }
        Pagination::Index(start_index) => {
            let Some(before) = NonZeroUsize::new(start_index - 1) else { return Ok(PageStart::After(None)) };
            if query.count == 0 {
                return Ok(PageStart::Skip(before));
            }
            let hash = hash(query);
            let key = BookmarkKey { caller: context.exchange.caller, query: &hash, start_index: *start_index };
            let position = context.directory.take_bookmark(key, now_seconds()).await.map_err(to_client_error)?;
            let position = match position {
                Some(position) => saved_position(context, query, &position).await?,
                None => None,
            };
            Ok(position.map_or(PageStart::Skip(before), |position| PageStart::After(Some(position))))
        }
    }
}

/// Saves a bookmark for the page after the one with these indexes, if the next page needs one.
///
/// # Errors
/// The errors of the store, unless this is the last page.
pub(super) async fn save_bookmark(
    context: &Context<'_>,
    query: &Query,
    indexes: Range<usize>,
    start: &PageStart,
    end: Option<&Position>,
    has_more: bool,
) -> Result<(), Error> {
    let is_first = indexes.start == 1;
    let is_needed = has_more || (!is_first && start.is_exact());
    let Some(end) = end.filter(|_| is_needed) else { return Ok(()) };
    match try_save_bookmark(context, query, indexes.end, end, has_more).await {
        Err(error) if has_more => Err(error),
        Err(error) => {
            tracing::warn!(cause = %error, "failed to save the bookmark of the last page");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn try_save_bookmark(
    context: &Context<'_>,
    query: &Query,
    next: usize,
    end: &Position,
    has_more: bool,
) -> Result<(), Error> {
    let hash = hash(query);
    let key = BookmarkKey { caller: context.exchange.caller, query: &hash, start_index: next };
    let save = async |position: &str, condition: BookmarkCondition<'_>| {
        let bookmark = Bookmark { position, has_more };
        context.directory.save_bookmark(key, bookmark, now_seconds(), condition).await.map_err(to_client_error)
    };
    let position = position_to_save(context, query, end).await?;
    let Some(unclaimed) = save(&position, BookmarkCondition::Free).await? else { return Ok(()) };
    let earlier = match saved_position(context, query, &unclaimed).await? {
        Some(other) => position_to_save(context, query, &end.clone().earlier(other, query.order())).await?,
        None => position,
    };
    if earlier != unclaimed {
        save(&earlier, BookmarkCondition::Unclaimed(&unclaimed)).await?;
    }
    Ok(())
}

/// The text of a position in a bookmark. It is encrypted if it has a value of a resource, because bookmarks are not
/// deleted with resources.
async fn position_to_save(context: &Context<'_>, query: &Query, position: &Position) -> Result<String, Error> {
    match position.key {
        Some(_) => cursor_key(context).await?.seal_position(context.tenant(), query, position),
        None => serde_json::to_string(position).map_err(|_| Error::Internal),
    }
}

/// The position of a bookmark; `None` if this release cannot read it.
async fn saved_position(context: &Context<'_>, query: &Query, text: &str) -> Result<Option<Position>, Error> {
    match serde_json::from_str(text) {
        Ok(position) => Ok(Some(position)),
        Err(_) => cursor_key(context).await?.open_position(context.tenant(), query, text),
    }
}

/// The `nextCursor` of a page that ends at this position; `None` for a page without resources.
pub(super) async fn next_cursor(context: &Context<'_>, query: &Query, end: Option<Position>) -> Result<String, Error> {
    let key = cursor_key(context).await?;
    key.seal(context.tenant(), query, end, now_seconds())
}

/// The tenant's key for cursors. A process reads it once.
async fn cursor_key(context: &Context<'_>) -> Result<CursorKey, Error> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(|_| Error::Internal)?;
    let secret = context.directory.cursor_secret(context.tenant(), fresh).await;
    secret.map(CursorKey).map_err(to_client_error)
}

/// Identifies the query in a bookmark's sort key.
fn hash(query: &Query) -> String {
    // The number is that of the form of positions. A former one does not tell where a long text was cut.
    let digest = Sha256::digest(format!("2 {}", query.identity()));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
