//! A table that is replicated to another region: only the region that has written first may write.

use schema::Kind;
use store::{Bookmark, BookmarkCondition, BookmarkKey, Error};

use crate::engine::{Site, create, id, rename, tenant};
use crate::tokens::token;

#[tokio::test]
async fn function_in_another_region_reads_and_does_not_write() {
    let site = Site::new().await;
    let caller = tenant("acme");
    let (at_home, abroad) =
        (site.directory.clone().in_region("eu-central-1"), site.directory.clone().in_region("us-east-1"));
    let ann = create(Kind::User, "ann");
    at_home.commit(&caller, &ann).await.unwrap();
    assert_eq!(at_home.foreign_region(), None);
    at_home.put_token(&token("one", "acme")).await.unwrap();

    let is_refused = |result: Result<(), Error>| {
        assert!(matches!(&result, Err(Error::Refused(why)) if why.contains("eu-central-1")), "{result:?}");
    };
    is_refused(abroad.commit(&caller, &rename(Kind::User, &ann.id, 1, "ann", "bob")).await.map(drop));
    is_refused(abroad.revoke("one", 1_100_000_000).await);
    is_refused(abroad.put_token(&token("two", "acme")).await);
    assert_eq!(abroad.foreign_region(), Some("eu-central-1"));
    assert!(abroad.get(&caller.tenant, Kind::User, &ann.id).await.unwrap().is_some());

    let key = BookmarkKey { caller: &caller, query: "all", start_index: 2 };
    let bookmark = Bookmark { position: "{}", has_more: true };
    is_refused(abroad.save_bookmark(key, bookmark, 1_100_000_000, BookmarkCondition::Free).await.map(drop));
    is_refused(abroad.take_bookmark(key, 1_100_000_000).await.map(drop));
    assert_eq!(site.items("acme#bookmark").await, []);

    // A large change is refused before its chunks are written.
    let mut group = create(Kind::Group, "staff");
    group.add = (0..40).map(|_| crate::engine::user(&id())).collect();
    is_refused(abroad.prepare(&caller, &group, false).await.map(drop));
    assert_eq!(site.open_chunks().await, 0);

    at_home.commit(&caller, &rename(Kind::User, &ann.id, 1, "ann", "bob")).await.unwrap();
}

#[tokio::test]
async fn region_is_known_from_the_first_read_on() {
    let site = Site::new().await;
    let at_home = site.directory.clone().in_region("eu-central-1");
    at_home.read_home_region().await.unwrap();
    assert_eq!(at_home.foreign_region(), None, "a new table belongs to nobody");
    at_home.commit(&tenant("acme"), &create(Kind::User, "ann")).await.unwrap();
    let abroad = site.directory.clone().in_region("us-east-1");
    abroad.read_home_region().await.unwrap();
    assert_eq!(abroad.foreign_region(), Some("eu-central-1"));
    // Tools on a laptop name no region.
    site.commit(&create(Kind::User, "bob")).await.unwrap();
}
