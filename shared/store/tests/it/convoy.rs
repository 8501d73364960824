//! Several callers complete one large change at the same time, as when an identity provider changes a group again and again
//! while a change of it is pending.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use schema::Kind::Group;
use store::SettleState;
use testkit::{AwsProxy, Behaviour, Engine};

use crate::engine::{Site, create, rename, user};

const CALLERS: usize = 4;
const MEMBERS: usize = 640;
/// Each chunk has 32 members.
const CHUNKS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_complete_one_change_seldom_conflict() {
    let engine = Engine::start();
    let site = Site::at(&engine.url, "table").await;
    site.directory.create_table().await.unwrap();
    let group = create(Group, "staff");
    site.commit(&group).await.unwrap();
    let mut change = rename(Group, &group.id, 1, "staff", "staff");
    change.add = Vec::new();
    for n in 0..MEMBERS {
        change.add.push(user(&site.user(&format!("user-{n}")).await));
    }
    site.commit(&change).await.unwrap();

    let proxy = AwsProxy::before(&engine.url, &[Behaviour::Conflicts], 1);
    let slow = Site::at(proxy.url(), "table").await;
    let until = Instant::now() + Duration::from_secs(60);
    let settled = join_all((0..CALLERS).map(|_| slow.directory.settle(&slow.caller.tenant, &group.id, until))).await;
    assert!(settled.iter().all(|state| *state == Ok(SettleState::Done)), "{settled:?}");
    let conflicts = proxy.count(Behaviour::Conflicts);
    println!("convoy: {CALLERS} callers, {CHUNKS} chunks, {conflicts} conflicts");
    assert_eq!(site.members(&group.id).await.unwrap().len(), MEMBERS);
    assert!(conflicts < CHUNKS * 6, "{conflicts} conflicts");
}
