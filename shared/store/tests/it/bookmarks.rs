//! Bookmarks and the cursor secret.

use protocol::Caller;
use store::{Bookmark, BookmarkCondition, BookmarkKey};
use testkit::engine;

use crate::engine::Site;

const NOW: u64 = 1_800_000_000;
const HOUR: u64 = 60 * 60;

fn at(position: &str) -> Bookmark<'_> {
    Bookmark { position, has_more: true }
}

#[tokio::test]
async fn bookmark_is_returned_only_to_the_same_caller_query_and_index() {
    let site = Site::new().await;
    let (directory, caller) = (&site.directory, &site.caller);
    let key = BookmarkKey { caller, query: "q", start_index: 101 };
    assert_eq!(directory.take_bookmark(key, NOW).await, Ok(None));
    assert_eq!(directory.take_bookmark(key, NOW).await, Ok(None), "taking creates no bookmark");
    assert_eq!(directory.save_bookmark(key, at("p"), NOW, BookmarkCondition::Free).await, Ok(None));
    for now in [NOW, NOW + 1, NOW + HOUR - 1] {
        assert_eq!(
            directory.take_bookmark(key, now).await,
            Ok(Some("p".to_owned())),
            "a bookmark can be taken more than once"
        );
    }
    assert_eq!(directory.take_bookmark(key, NOW + HOUR).await, Ok(None), "a bookmark expires after an hour");
    let other = Caller::from_context(caller.tenant.as_str(), "other", "read", None).unwrap();
    let foreign = Caller::from_context("foreign", &caller.token, "read", None).unwrap();
    for key in [
        BookmarkKey { start_index: 102, ..key },
        BookmarkKey { query: "r", ..key },
        BookmarkKey { caller: &other, ..key },
        BookmarkKey { caller: &foreign, ..key },
    ] {
        assert_eq!(directory.take_bookmark(key, NOW).await, Ok(None), "{key:?}");
    }
}

#[tokio::test]
async fn unclaimed_bookmark_is_not_overwritten() {
    let site = Site::new().await;
    let (directory, caller) = (&site.directory, &site.caller);
    let key = BookmarkKey { caller, query: "q", start_index: 3 };
    let save =
        async |position, now| directory.save_bookmark(key, at(position), now, BookmarkCondition::Free).await.unwrap();
    let take = async |now| directory.take_bookmark(key, now).await.unwrap().unwrap();
    assert_eq!(save("first", NOW).await, None);
    assert_eq!(save("first", NOW).await, None, "the same bookmark can be saved again");
    assert_eq!(save("second", NOW + 9 * 60).await.as_deref(), Some("first"));
    let replace_unclaimed = |other| directory.save_bookmark(key, at("third"), NOW, BookmarkCondition::Unclaimed(other));
    assert_eq!(replace_unclaimed("other").await.unwrap().as_deref(), Some("first"));
    assert_eq!(replace_unclaimed("first").await, Ok(None));
    assert_eq!(save("fourth", NOW + 11 * 60).await, None, "the claim window is over");
    assert_eq!(take(NOW + 11 * 60).await, "fourth");
    assert_eq!(save("fifth", NOW + 11 * 60).await, None, "a bookmark that was taken can be overwritten");
    assert_eq!(take(NOW + 11 * 60).await, "fifth");
    let end = Bookmark { position: "end", has_more: false };
    assert_eq!(directory.save_bookmark(key, end, NOW, BookmarkCondition::Free).await, Ok(None));
    assert_eq!(save("sixth", NOW).await, None, "no client is expected to claim the page after the last one");
    assert_eq!(take(NOW).await, "sixth");
}

#[tokio::test]
async fn cursor_secret_is_created_once_for_each_tenant() {
    let site = Site::new().await;
    let tenant = &site.caller.tenant;
    assert_eq!(site.directory.cursor_secret(tenant, [1; 32]).await, Ok([1; 32]));
    assert_eq!(site.directory.cursor_secret(tenant, [2; 32]).await, Ok([1; 32]));
    let other = Site::at(engine(), &site.table).await;
    assert_eq!(
        other.directory.cursor_secret(tenant, [3; 32]).await,
        Ok([1; 32]),
        "another process reads the same secret"
    );
    let foreign = Caller::from_context("foreign", "t", "read", None).unwrap();
    let tries: Vec<_> = (4..8).map(|byte| site.directory.cursor_secret(&foreign.tenant, [byte; 32])).collect();
    let made: Vec<_> = futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(made.iter().all(|secret| *secret == made[0]) && made[0] != [1; 32]);
    assert!(!format!("{:?}", site.directory).contains("1, 1, 1"));
}
