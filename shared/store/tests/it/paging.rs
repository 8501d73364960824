//! Paging through a collection.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use schema::Kind::{Group, User};
use schema::ResourceId;
use store::{Commit, ResourceWrite, Skip, UnparsedResource};

use crate::engine::{Site, create, delete, id, snapshot};

/// The ids on all pages. Each page has at most `limit` resources, and exactly so many if they are small.
async fn page_through(site: &Site, limit: usize) -> Vec<ResourceId> {
    let (mut ids, mut more) = (Vec::<ResourceId>::new(), true);
    while more {
        let page = site.directory.page(&site.caller.tenant, User, ids.last(), limit).await.unwrap();
        let bytes: usize = page.items.iter().map(UnparsedResource::bytes).sum();
        assert!(page.items.len() == limit || !page.more || (page.items.len() < limit && bytes > 500_000));
        assert!(!page.items.is_empty() || !page.more, "no page but the last is empty");
        assert!(bytes < 1 << 20, "{bytes}");
        ids.extend(page.items.into_iter().map(|stored| stored.id));
        more = page.more;
    }
    ids
}

async fn skip(site: &Site, n: usize, deadline: Instant) -> Skip {
    site.directory.skip(&site.caller.tenant, User, NonZeroUsize::new(n).unwrap(), deadline).await.unwrap()
}

#[tokio::test]
async fn pages_return_each_resource_once_in_the_order_of_creation() {
    let site = Site::new().await;
    assert_eq!(page_through(&site, 5).await, []);
    let mut ids = Vec::new();
    for n in 0..21 {
        ids.push(site.user(&format!("user-{n}")).await);
    }
    site.group("staff", &[]).await;
    for limit in [1, 4, 7, 20, 21, 22, 1000] {
        assert_eq!(page_through(&site, limit).await, ids, "{limit}");
    }
    let tenant = &site.caller.tenant;
    let page = site.directory.page(tenant, User, None, 0).await.unwrap();
    assert!(page.items.is_empty() && page.more);

    // The last resource of a page is deleted before the next page is read.
    let page = site.directory.page(tenant, User, None, 5).await.unwrap();
    site.commit(&delete(User, &ids[4], 1, "user-4")).await.unwrap();
    let next = site.directory.page(tenant, User, Some(&page.items[4].id), 5).await.unwrap();
    assert_eq!(next.items[0].id, ids[5]);
}

#[tokio::test]
async fn skip_returns_the_last_skipped_resource() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for n in 0..9 {
        ids.push(site.user(&format!("user-{n}")).await);
    }
    let skip = async |n| skip(&site, n, Instant::now()).await;
    assert_eq!(skip(1).await, Skip::Reached(ids[0].clone()));
    assert_eq!(skip(8).await, Skip::Reached(ids[7].clone()));
    for beyond in [10, 10_000, usize::MAX] {
        assert_eq!(skip(beyond).await, Skip::Exhausted { left: beyond - 9 });
    }
    assert!([Skip::Exhausted { left: 0 }, Skip::Reached(ids[8].clone())].contains(&skip(9).await));
}

#[tokio::test]
async fn pages_of_large_resources_are_complete_and_have_a_megabyte_at_most() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for n in 0..14 {
        let mut after = snapshot(&format!("user-{n}"));
        after.resource.insert("big".to_owned(), "x".repeat(300_000).into());
        let commit = Commit { write: ResourceWrite::Create { after }, ..create(User, "") };
        site.commit(&commit).await.unwrap();
        ids.push(commit.id);
    }
    assert_eq!(page_through(&site, 14).await, ids);
    assert_eq!(page_through(&site, 1).await, ids);
    let (directory, tenant) = (&site.directory, &site.caller.tenant);
    assert_eq!(skip(&site, 12, Instant::now() + Duration::from_secs(60)).await, Skip::Reached(ids[11].clone()));
    let found = directory.get_many(tenant, User, &ids).await.unwrap();
    assert_eq!(found.into_iter().map(|stored| stored.id).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn get_many_returns_resources_in_the_requested_order() {
    let site = Site::new().await;
    let (directory, tenant) = (&site.directory, &site.caller.tenant);
    let mut ids = Vec::new();
    for n in 0..130 {
        ids.push(site.user(&format!("user-{n}")).await);
    }
    let staff = site.group("staff", &[]).await;
    ids.reverse();
    let mut asked = ids.clone();
    asked.insert(3, id());
    asked.push(ids[7].clone());
    asked.push(staff.clone());
    let found = directory.get_many(tenant, User, &asked).await.unwrap();
    assert_eq!(found.into_iter().map(|stored| stored.id).collect::<Vec<_>>(), ids);
    let existing = directory.existing(tenant, &asked).await.unwrap();
    assert_eq!(existing.len(), 131);
    assert_eq!((existing.get(&staff), existing.get(&ids[0])), (Some(&Group), Some(&User)));
    assert_eq!(directory.get_many(tenant, User, &[]).await.unwrap(), []);
}
