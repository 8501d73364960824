//! Large changes whose commit fails or is not answered, and what remains of their chunks.

use schema::Kind::Group;
use serde_json::json;
use store::{Commit, Error};
use testkit::{call_engine, engine};

use crate::engine::{Site, rename, user};
use crate::faults::{TRANSACTION, behind};
use crate::proxy::{Fault, cancelled};

/// The chunks of a change that may be committed are kept.
#[tokio::test]
async fn large_change_with_a_cut_response_keeps_its_chunks() {
    let site = Site::new().await;
    let people: Vec<_> =
        futures_util::future::join_all((0..40).map(|n| site.user(Box::leak(format!("u{n}").into())))).await;
    let staff = site.group("staff", &[]).await;
    let throttled = Fault::Answer(400, cancelled(&["ThrottlingError"]));
    let (faulty, _) = behind(&site, TRANSACTION, [Fault::CutAnswer, throttled]).await;
    let change = Commit { add: people.iter().map(user).collect(), ..rename(Group, &staff, 1, "staff", "staff") };
    let result = faulty.commit(&change).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert_eq!(site.items(&format!("acme#part#{}", change.change.id)).await.len(), 2);
    site.settle(&staff).await.unwrap();
    assert_eq!(site.member_ids(&staff).await.len(), 40);
}

/// The call was given up, and DynamoDB applies it when the chunks are deleted.
#[tokio::test]
async fn aborted_change_cannot_be_committed_by_a_late_call() {
    let site = Site::new().await;
    let people: Vec<_> =
        futures_util::future::join_all((0..40).map(|n| site.user(Box::leak(format!("u{n}").into())))).await;
    let staff = site.group("staff", &[]).await;
    let stale = Fault::Answer(400, cancelled(&["ConditionalCheckFailed"]));
    let (faulty, proxy) = behind(&site, TRANSACTION, [stale, Fault::None]).await;
    let change = Commit { add: people.iter().map(user).collect(), ..rename(Group, &staff, 1, "staff", "staff") };
    assert_eq!(faulty.commit(&change).await, Err(Error::Missing));
    assert_eq!(site.items(&format!("acme#part#{}", change.change.id)).await, []);
    let listed = site.items("#unfinished").await;
    assert_eq!(listed.iter().map(|item| item["state"].as_s().unwrap().as_str()).collect::<Vec<_>>(), ["aborted"]);
    let mut late = proxy.calls.lock().unwrap()[0].clone();
    late["ClientRequestToken"] = json!("late");
    let response = call_engine(engine(), "local", TRANSACTION, &late);
    assert!(response["__type"].as_str().is_some_and(|kind| kind.contains("TransactionCanceled")), "{response}");
    assert_eq!((site.version(Group, &staff).await, site.pending_items().await.len()), (Some(1), 0));
    site.finish_all().await;
    assert_eq!(site.items("#unfinished").await, []);
}
