//! Where the next page of a walk by `startIndex` begins (RFC 7644 §3.4.2.4): a note that one page leaves for the next.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use protocol::Caller;
use serde::Serialize;

use crate::action::{ABSENT, names, number, placeholders};
use crate::error::failure;
use crate::item::{self, Item};
use crate::key::Key;
use crate::{Directory, Error};

/// How long a bookmark can be used, in seconds.
const KEPT: u64 = protocol::limits::BOOKMARK_SECONDS;
/// For so many seconds a bookmark that nobody has taken yet is another walk's, which is about to.
const AWAITED: u64 = 10 * 60;

/// Which bookmark.
#[derive(Debug, Clone, Copy)]
pub struct BookmarkKey<'a> {
    pub caller: &'a Caller,
    /// A hash of what is asked for.
    pub query: &'a str,
    pub start_index: usize,
}

/// What a page leaves.
#[derive(Debug, Clone, Copy)]
pub struct Bookmark<'a> {
    pub position: &'a str,
    /// Whether there is more, so that the walk goes on. Behind the end it may, but is not awaited.
    pub has_more: bool,
}

/// What lies where a bookmark should be left.
#[derive(Debug, Clone, Copy)]
pub enum Expected<'a> {
    /// Nothing; or a bookmark that was taken, or that nobody takes any more; or the same one.
    Free,
    /// An awaited bookmark with this position.
    Unclaimed(&'a str),
}

#[derive(Serialize)]
struct BookmarkItem<'a> {
    position: &'a str,
    left: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<u64>,
    expires: u64,
}

impl Directory {
    /// The position that a page left, and notes that it was taken; `None` if there is none or it is too old. `now` is in
    /// seconds since 1970. One write is cheaper than a read and a write.
    pub async fn take_bookmark(&self, key: BookmarkKey<'_>, now: u64) -> Result<Option<String>, Error> {
        const TAKE: &str = "SET #taken = :now";
        const VALID: &str = "attribute_exists(pk) AND #expires > :now";
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
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// Leaves a position for the page that begins at `key.start_index`. What comes back is the position of another bookmark
    /// that lies there and is awaited; then nothing was written.
    pub async fn save_bookmark(
        &self,
        key: BookmarkKey<'_>,
        bookmark: Bookmark<'_>,
        now: u64,
        replacing: Expected<'_>,
    ) -> Result<Option<String>, Error> {
        let Bookmark { position, has_more } = bookmark;
        let taken = (!has_more).then_some(now);
        let body = BookmarkItem { position, left: now, taken, expires: now.saturating_add(KEPT) };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let (condition, values) = match replacing {
            Expected::Free => (
                format!("{ABSENT} OR attribute_exists(#taken) OR #position = :position OR #left < :awaited"),
                Item::from([
                    ("position".to_owned(), text(position)),
                    ("awaited".to_owned(), number(now.saturating_sub(AWAITED))),
                ]),
            ),
            Expected::Unclaimed(other) => {
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
            return Err(failure("PutItem", &error));
        };
        found.item().map(|item| item::text(item, "position").map(str::to_owned)).transpose()
    }
}

impl BookmarkKey<'_> {
    fn item(&self) -> Key {
        Key::bookmark(&self.caller.tenant, &self.caller.token, self.query, self.start_index)
    }
}
