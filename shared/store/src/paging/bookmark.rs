//! Bookmarks for paging by `startIndex` (RFC 7644 §3.4.2.4): each page saves the position at which the next one
//! begins, so that no page has to skip the pages before it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use protocol::Caller;
use serde::Serialize;

use crate::attributes::{Item, number};
use crate::error::classify;
use crate::expression::{ABSENT, names, placeholders};
use crate::item;
use crate::key::Key;
use crate::{Directory, Error};

/// The time for which a bookmark can be used.
const BOOKMARK_TTL_SECONDS: u64 = protocol::limits::BOOKMARK_SECONDS;
/// The time during which a bookmark that was not taken belongs to another client that pages through the same list
/// and is expected to take it.
const CLAIM_WINDOW_SECONDS: u64 = 10 * 60;

/// The identity of a bookmark.
#[derive(Debug, Clone, Copy)]
pub struct BookmarkKey<'a> {
    pub caller: &'a Caller,
    /// A hash of the query.
    pub query: &'a str,
    pub start_index: usize,
}

/// The bookmark that a page saves for the next one.
#[derive(Debug, Clone, Copy)]
pub struct Bookmark<'a> {
    pub position: &'a str,
    /// Whether the list has more pages. If not, a client may still request the next page but is not expected to, so
    /// the bookmark may be replaced immediately.
    pub has_more: bool,
}

/// The condition for saving a bookmark: the item that is stored under its key.
#[derive(Debug, Clone, Copy)]
pub enum BookmarkCondition<'a> {
    /// Nothing; a bookmark that was taken or is older than the claim window; or the same bookmark.
    Free,
    /// A bookmark with this position that was not taken.
    Unclaimed(&'a str),
}

#[derive(Serialize)]
struct BookmarkItem<'a> {
    position: &'a str,
    /// The time when the bookmark was saved, in seconds since 1970.
    #[serde(rename = "left")]
    saved_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<u64>,
    expires: u64,
}

impl Directory {
    /// Returns the position that a page saved and marks the bookmark as taken, by one write, which is cheaper than
    /// a read and a write. Returns `None` if there is no bookmark or it has expired. `now` is in seconds since
    /// 1970.
    ///
    /// # Errors
    /// `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn take_bookmark(&self, key: BookmarkKey<'_>, now: u64) -> Result<Option<String>, Error> {
        const TAKE: &str = "SET #taken = :now";
        const VALID: &str = "attribute_exists(pk) AND #expires > :now";
        self.check_not_foreign()?;
        let values = Item::from([("now".to_owned(), number(now))]);
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.item().attributes()))
            .update_expression(TAKE)
            .condition_expression(VALID)
            .set_expression_attribute_names(names(&format!("{TAKE} {VALID}")))
            .set_expression_attribute_values(placeholders(values))
            .return_values(ReturnValue::AllOld);
        match request.send().await {
            Ok(found) => found.attributes().map(|item| item::text(item, "position").map(str::to_owned)).transpose(),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(classify("UpdateItem", &error)),
        }
    }

    /// Saves the position for the page that begins at `key.start_index`, if the stored bookmark is as `expected`.
    /// Otherwise it writes nothing and returns the position of that bookmark. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// The errors of [`Directory::take_bookmark`].
    pub async fn save_bookmark(
        &self,
        key: BookmarkKey<'_>,
        bookmark: Bookmark<'_>,
        now: u64,
        expected: BookmarkCondition<'_>,
    ) -> Result<Option<String>, Error> {
        self.check_not_foreign()?;
        let Bookmark { position, has_more } = bookmark;
        let taken = (!has_more).then_some(now);
        let body = BookmarkItem { position, saved_at: now, taken, expires: now.saturating_add(BOOKMARK_TTL_SECONDS) };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let (condition, values) = match expected {
            BookmarkCondition::Free => (
                format!("{ABSENT} OR attribute_exists(#taken) OR #position = :position OR #left < :claimed"),
                Item::from([
                    ("position".to_owned(), text(position)),
                    ("claimed".to_owned(), number(now.saturating_sub(CLAIM_WINDOW_SECONDS))),
                ]),
            ),
            BookmarkCondition::Unclaimed(other) => {
                ("#position = :position".to_owned(), Item::from([("position".to_owned(), text(other))]))
            }
        };
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::with_key(&key.item(), &body)?))
            .set_expression_attribute_names(names(&condition))
            .condition_expression(condition)
            .set_expression_attribute_values(placeholders(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = request.send().await else { return Ok(None) };
        let Some(PutItemError::ConditionalCheckFailedException(found)) = error.as_service_error() else {
            return Err(classify("PutItem", &error));
        };
        found.item().map(|item| item::text(item, "position").map(str::to_owned)).transpose()
    }
}

impl BookmarkKey<'_> {
    fn item(&self) -> Key {
        Key::bookmark(&self.caller.tenant, &self.caller.token, self.query, self.start_index)
    }
}
