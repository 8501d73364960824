//! Reads that need more throughput than a partition has left: they take longer, and do not fail.

use schema::Kind::User;
use store::Error;
use testkit::{AwsProxy, Behaviour, engine};

use crate::engine::Site;
use crate::jumps::list_of;
use crate::proxy::{Fault, Proxy, error};

/// The users of the test have 30 MB, which is more than a partition delivers in two seconds.
const USERS: usize = 100;
const USER_BYTES: usize = 300_000;

#[tokio::test(flavor = "multi_thread")]
async fn list_that_needs_seconds_of_throughput_is_read_to_its_end() {
    let site = Site::new().await;
    let ids = list_of(&site, USERS, USER_BYTES).await;
    let proxy = AwsProxy::before(engine(), &[Behaviour::Throughput], 1);
    let behind = Site::at(proxy.url(), &site.table).await;
    let mut read = Vec::new();
    loop {
        let page = behind.directory.page(&site.caller.tenant, User, read.last(), USERS).await.unwrap();
        read.extend(page.items.into_iter().map(|item| item.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(read, ids);
    assert!(proxy.count(Behaviour::Throughput) > 0, "nothing was throttled");
}

#[tokio::test]
async fn query_that_stays_throttled_fails_within_seconds() {
    let site = Site::new().await;
    let proxy = Proxy::start("Query", [Fault::Answer(400, error("ThrottlingException"))]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    let page = behind.directory.page(&site.caller.tenant, User, None, 1).await;
    assert_eq!(page, Err(Error::Throttled));
}
