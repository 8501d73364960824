//! Several callers complete one large change at the same time, as when an identity provider changes a group again and
//! again while a change of it is pending.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use schema::Kind::Group;
use schema::ResourceId;
use store::{CommitState, Error, SettleState};
use testkit::{AwsProxy, Behaviour, Engine};

use crate::engine::{Site, create, rename, user};

const CALLERS: usize = 4;
const MEMBERS: usize = 640;
/// Each chunk has 32 members.
const CHUNKS: u64 = 20;
/// Groups of two chunks each.
const GROUPS: usize = 16;

async fn new_table(engine: &Engine) -> Site {
    let site = Site::at(&engine.url, "table").await;
    site.directory.create_table().await.unwrap();
    site
}

/// A group with a large change that is pending, which adds so many members.
async fn group_with_pending_change(site: &Site, name: &str, members: usize) -> ResourceId {
    let group = create(Group, name);
    site.commit(&group).await.unwrap();
    let mut change = rename(Group, &group.id, 1, name, name);
    change.add = Vec::new();
    for n in 0..members {
        change.add.push(user(&site.user(&format!("{name}-{n}")).await));
    }
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    group.id
}

/// Several callers complete the change at the same time. One that comes in the way of others, or waits for a slow
/// transaction in vain, tries again.
async fn settle_by_several(proxy: &AwsProxy, group: &ResourceId) {
    let slow = Site::at(proxy.url(), "table").await;
    let until = Instant::now() + Duration::from_secs(120);
    let settle = async |_| loop {
        match slow.directory.settle(&slow.caller.tenant, group, until).await {
            Err(Error::Contended | Error::Unavailable(_)) => {}
            state => return state,
        }
    };
    let settled = join_all((0..CALLERS).map(settle)).await;
    assert!(settled.iter().all(|state| *state == Ok(SettleState::Done)), "{settled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_complete_one_change_seldom_conflict() {
    let engine = Engine::start();
    let site = new_table(&engine).await;
    let group = group_with_pending_change(&site, "staff", MEMBERS).await;
    let proxy = AwsProxy::before(&engine.url, &[Behaviour::Conflicts], 1);
    settle_by_several(&proxy, &group).await;
    let conflicts = proxy.count(Behaviour::Conflicts);
    println!("convoy: {CALLERS} callers, {CHUNKS} chunks, {conflicts} conflicts");
    assert_eq!(site.members(&group).await.unwrap().len(), MEMBERS);
    assert!(conflicts < CHUNKS * 6, "{conflicts} conflicts");
}

/// A transaction can show that a chunk is applied up to 0.2 s, and seldom up to 20 s, before it shows an edge.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn change_is_not_complete_before_all_of_its_edges_are_visible() {
    let engine = Engine::start();
    let site = new_table(&engine).await;
    let proxy = AwsProxy::with_speed(&engine.url, &[Behaviour::TornTransactions], 1, 0.1);
    // This one does not read through the proxy, and sees what is written.
    let visible = async |group: &ResourceId| loop {
        let now = site.directory.get(&site.caller.tenant, Group, group).await.unwrap().unwrap();
        if now.member_summary.pending.is_none() {
            return site.directory.members_as_read(&site.caller.tenant, &now).await.unwrap().len();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let mut groups = Vec::new();
    for n in 0..GROUPS {
        groups.push(group_with_pending_change(&site, &format!("group-{n}"), MEMBERS / GROUPS).await);
    }
    let settled = groups.iter().map(|group| join(visible(group), settle_by_several(&proxy, group)));
    let visible: Vec<usize> = join_all(settled).await.into_iter().map(|(visible, ())| visible).collect();
    assert_eq!(visible, [MEMBERS / GROUPS; GROUPS], "edges when each change is complete");
}
