//! Jumps into the middle of a long list.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use schema::Kind::User;
use schema::ResourceId;
use store::Skip;

use crate::capacity::{calls, listen, units};
use crate::engine::{Site, id, raw};
use crate::proxy::{Fault, Proxy, error};

const USERS: usize = 3000;

async fn skip(site: &Site, n: usize, time: Duration) -> Skip {
    let n = NonZeroUsize::new(n).unwrap();
    site.directory.skip(&site.caller.tenant, User, n, Instant::now() + time).await.unwrap()
}

async fn long_list(site: &Site) -> Vec<ResourceId> {
    list_of(site, USERS, 2000).await
}

/// A list of users of this size. Only their keys and sizes matter.
pub(crate) async fn list_of(site: &Site, users: usize, bytes: usize) -> Vec<ResourceId> {
    let ids: Vec<ResourceId> = (0..users).map(|_| id()).collect();
    let puts = ids.iter().map(|id| {
        let texts = [("pk", "acme#user".to_owned()), ("sk", id.to_string()), ("resource", "x".repeat(bytes))];
        let item: HashMap<_, _> = texts.into_iter().map(|(name, text)| (name.to_owned(), S(text))).collect();
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    let (client, puts) = (raw(), puts.collect::<Vec<_>>());
    for puts in puts.chunks(25) {
        client.batch_write_item().request_items(&site.table, puts.to_vec()).send().await.unwrap();
    }
    ids
}

#[tokio::test]
async fn jump_begins_where_an_earlier_one_has_been() {
    const MINUTE: Duration = Duration::from_secs(60);
    let site = Site::new().await;
    let ids = long_list(&site).await;
    listen();
    let reached = |n: usize| Skip::Reached(ids[n - 1].clone());
    assert_eq!(skip(&site, 2900, MINUTE).await, reached(2900));
    let first = units();
    assert_eq!(skip(&site, 2900, MINUTE).await, reached(2900));
    assert_eq!(calls(), ["Query"], "the position alone");
    assert_eq!(skip(&site, 2800, MINUTE).await, reached(2800));
    let near = units();
    assert!(near < first / 2.0, "{near} of {first} units");
    assert_eq!(skip(&site, USERS + 7, MINUTE).await, Skip::Exhausted { left: 7 });
    assert!(units() < first / 2.0);
    assert_eq!(skip(&site, 10, MINUTE).await, reached(10));
    assert_eq!(calls(), ["Query"], "a short way has no positions");

    // A user before the position is deleted. The page begins earlier than its index and misses no user.
    let key = [("pk", "acme#user"), ("sk", ids[0].as_str())].map(|(name, text)| (name.to_owned(), S(text.to_owned())));
    raw().delete_item().table_name(&site.table).set_key(Some(key.into())).send().await.unwrap();
    assert_eq!(skip(&site, 2900, MINUTE).await, reached(2900));
    for mut position in site.items("acme#bookmark").await {
        position.insert("expires".to_owned(), N("1".to_owned()));
        raw().put_item().table_name(&site.table).set_item(Some(position)).send().await.unwrap();
    }
    assert_eq!(skip(&site, 2900, MINUTE).await, reached(2901), "an expired position is not used");
}

#[tokio::test]
async fn jump_beyond_its_time_goes_on_with_the_next_request() {
    let site = Site::new().await;
    let ids = long_list(&site).await;
    let mut requests = 1;
    loop {
        match skip(&site, 2900, Duration::ZERO).await {
            Skip::OutOfTime => requests += 1,
            reached => break assert_eq!(reached, Skip::Reached(ids[2899].clone())),
        }
    }
    assert!((3..=12).contains(&requests), "{requests}");
}

/// The positions are a help for the next jump. Only a jump that is out of time needs them.
#[tokio::test]
async fn jump_reaches_its_end_although_its_positions_cannot_be_saved() {
    let site = Site::new().await;
    let ids = long_list(&site).await;
    let proxy = Proxy::start("PutItem", [Fault::Answer(400, error("AccessDeniedException"))]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(skip(&behind, 2900, Duration::from_secs(60)).await, Skip::Reached(ids[2899].clone()));
    assert!(!proxy.calls.lock().unwrap().is_empty());
    let out_of_time =
        behind.directory.skip(&site.caller.tenant, User, NonZeroUsize::new(2900).unwrap(), Instant::now());
    assert!(matches!(out_of_time.await, Err(store::Error::Refused(_))));
}
