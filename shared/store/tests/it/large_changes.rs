//! Changes of more members than one transaction holds: they are seen whole from the commit on, while their edges
//! are pending.

use std::sync::Arc;
use std::time::Duration;

use schema::Kind::{Group, User};
use schema::ResourceId;
use store::{Commit, CommitState, Error, Member, SettleState};
use tokio::sync::Semaphore;

use crate::engine::{Site, create, delete, delete_first, rename, user};
use crate::proxy::{Fault, Proxy};

fn touch(group: &ResourceId, version: u64) -> Commit {
    rename(Group, group, version, "staff", "staff")
}

/// Creates users.
async fn users(site: &Site, count: usize) -> Vec<ResourceId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(site.user(&format!("user-{n}")).await);
    }
    ids
}

fn all(ids: &[ResourceId]) -> Vec<Member> {
    ids.iter().map(user).collect()
}

fn ids(members: Option<Vec<Member>>) -> Vec<ResourceId> {
    members.unwrap().into_iter().map(|member| member.id).collect()
}

#[tokio::test]
async fn large_change_is_seen_at_once_and_settled_later() {
    let site = Site::new().await;
    let people = users(&site, 100).await;
    let staff = site.group("staff", &[&people[0]]).await;
    let change = Commit { add: all(&people[1..]), remove: all(&people[..1]), ..touch(&staff, 1) };
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    // The edges have not changed yet.
    assert_eq!(site.items(&format!("acme#member#{staff}")).await.len(), 1);
    assert_eq!(ids(site.members(&staff).await), people[1..]);
    assert_eq!(site.groups_of(&people[0]).await, []);
    assert_eq!(site.groups_of(&people[99]).await, std::slice::from_ref(&staff));
    assert_eq!(
        site.commit(&touch(&staff, 2)).await,
        Err(Error::Stale),
        "the next writer has to settle the group first"
    );

    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    assert_eq!(site.pending_items().await, []);
    assert_eq!(site.member_ids(&staff).await, people[1..]);
    assert_eq!(site.groups_of(&people[0]).await, []);
    let (one, other) = tokio::join!(site.settle(&staff), site.settle(&staff));
    assert_eq!((one, other), (Ok(SettleState::Done), Ok(SettleState::Done)));
    site.commit(&touch(&staff, 2)).await.unwrap();

    let chunks = site.directory.chunks_of_change(&site.caller.tenant, &change.change.id).await.unwrap();
    let mut added: Vec<ResourceId> = chunks.iter().flat_map(|chunk| chunk.added.clone()).collect();
    added.sort();
    assert_eq!(added, people[1..]);
    assert_eq!(chunks.into_iter().flat_map(|chunk| chunk.removed).collect::<Vec<_>>(), people[..1]);
}

/// Each chunk is applied once, and no member is counted twice.
#[tokio::test]
async fn large_change_settled_by_many_at_once_is_applied_once() {
    let site = Site::new().await;
    let people = users(&site, 80).await;
    let staff = site.group("staff", &[]).await;
    site.commit(&Commit { add: all(&people), ..touch(&staff, 1) }).await.unwrap();
    let settled = futures_util::future::join_all((0..6).map(|_| site.settle(&staff))).await;
    assert_eq!(settled, vec![Ok(SettleState::Done); 6]);
    assert_eq!(site.member_ids(&staff).await, people);
    for id in [&people[0], &people[79]] {
        assert_eq!(site.commit(&delete(User, id, 1, "x")).await, Err(Error::Stale), "the user is counted in its group");
    }
}

#[tokio::test]
async fn user_deleted_before_the_edges_are_applied_is_not_a_member() {
    let site = Site::new().await;
    let people = users(&site, 50).await;
    let staff = site.group("staff", &[]).await;
    site.commit(&Commit { add: all(&people), ..touch(&staff, 1) }).await.unwrap();
    site.commit(&delete(User, &people[7], 1, "user-7")).await.unwrap();
    let rest: Vec<ResourceId> = people.iter().filter(|id| **id != people[7]).cloned().collect();
    assert_eq!(ids(site.members(&staff).await), rest, "no reader sees the deleted user");
    site.settle(&staff).await.unwrap();
    assert_eq!(site.member_ids(&staff).await, rest);
    assert_eq!(site.version(Group, &staff).await, Some(3));
    let records = site.items("acme#change").await;
    let record = records
        .iter()
        .find(|record| record.contains_key("membersRemoved"))
        .expect("a record names the member that was not added");
    assert_eq!(record["membersRemoved"].as_l().unwrap()[0].as_s().unwrap(), people[7].as_str());
}

#[tokio::test]
async fn group_deleted_before_its_edges_are_applied_leaves_no_edges() {
    let site = Site::new().await;
    let people = users(&site, 70).await;
    let staff = site.group("staff", &[&people[0]]).await;
    let change = Commit { add: all(&people[1..]), ..touch(&staff, 1) };
    site.commit(&change).await.unwrap();
    let stored = site.directory.get(&site.caller.tenant, Group, &staff).await.unwrap().unwrap();
    let mut gone = delete_first(Group, &staff, 2, "staff", 0);
    if let store::ResourceWrite::Delete { remaining, .. } = &mut gone.write {
        *remaining = store::RemainingEdges::Present { pending: stored.member_summary.pending, groups: vec![] };
    }
    site.commit(&gone).await.unwrap();
    assert_eq!(site.members(&staff).await, None);
    site.settle(&staff).await.unwrap();
    assert_eq!(site.pending_items().await, []);
    assert_eq!(site.items(&format!("acme#member#{staff}")).await, []);
    for id in &people {
        assert_eq!(site.groups_of(id).await, []);
        site.commit(&delete(User, id, 1, &format!("user-{}", people.iter().position(|it| it == id).unwrap())))
            .await
            .unwrap();
    }
}

/// The writer read the group after an earlier change and the edge of that change before it, as DynamoDB may show them.
#[tokio::test]
async fn member_whose_edge_was_not_visible_yet_stays_a_member() {
    let site = Site::new().await;
    let people = users(&site, 40).await;
    let staff = site.group("staff", &[&people[7]]).await;
    let shown = Member { display: Some("Seven".to_owned()), ..user(&people[7]) };
    let add = people.iter().map(|id| if *id == people[7] { shown.clone() } else { user(id) }).collect();
    site.commit(&Commit { add, ..touch(&staff, 1) }).await.unwrap();
    site.settle(&staff).await.unwrap();
    assert_eq!(site.member_ids(&staff).await, people);
    let members = site.members(&staff).await.unwrap();
    assert!(members.contains(&shown), "{members:?}");
    let records = site.items("acme#change").await;
    assert!(records.iter().all(|record| !record.contains_key("membersRemoved")), "nobody has left");
}

/// The name of a member may be personal, and the records of a change are kept after the member is deleted.
#[tokio::test]
async fn applied_change_keeps_ids_and_no_display_names() {
    let site = Site::new().await;
    let people = users(&site, 40).await;
    let staff = site.group("staff", &[]).await;
    let named = |id: &ResourceId| Member { display: Some("CANARY".to_owned()), ..user(id) };
    let change = Commit { add: people.iter().map(named).collect(), ..touch(&staff, 1) };
    site.commit(&change).await.unwrap();
    let chunks = format!("acme#part#{}", change.change.id);
    assert!(format!("{:?}", site.items(&chunks).await).contains("CANARY"), "as long as the change is pending");
    site.settle(&staff).await.unwrap();
    assert!(!format!("{:?}", site.items(&chunks).await).contains("CANARY"));
    let recorded = site.directory.chunks_of_change(&site.caller.tenant, &change.change.id).await.unwrap();
    assert_eq!(recorded.iter().map(|chunk| chunk.added.len()).sum::<usize>(), 40);
    assert_eq!(site.members(&staff).await.unwrap(), people.iter().map(named).collect::<Vec<_>>());
}

#[tokio::test]
async fn display_name_that_no_item_holds_is_too_large_in_a_change_of_any_size() {
    let site = Site::new().await;
    let people = users(&site, 40).await;
    let staff = site.group("staff", &[]).await;
    let named = |id: &ResourceId| Member { display: Some("x".repeat(450_000)), ..user(id) };
    for count in [2, 40] {
        let mut add = all(&people[..count]);
        add[1] = named(&people[1]);
        let change = Commit { add, ..touch(&staff, 1) };
        let result = site.commit(&change).await;
        assert!(matches!(result, Err(Error::TooLarge(_))), "{result:?}");
        assert_eq!(site.items(&format!("acme#part#{}", change.change.id)).await, []);
    }
}

/// A commit that lost a race, or failed for another reason, leaves no chunks and nothing pending.
#[tokio::test]
async fn failed_commit_leaves_no_chunks() {
    let site = Site::new().await;
    let people = users(&site, 40).await;
    let staff = site.group("staff", &[]).await;
    let late = Commit { add: all(&people), ..touch(&staff, 7) };
    assert_eq!(site.commit(&late).await, Err(Error::Stale));
    assert_eq!(site.items(&format!("acme#part#{}", late.change.id)).await, []);
    let new = Commit { add: all(&people), ..create(Group, "staff") };
    assert_eq!(site.commit(&new).await, Err(Error::NameTaken));
    assert_eq!((site.pending_items().await, site.member_ids(&staff).await), (vec![], vec![]));
}

#[tokio::test]
async fn edges_of_an_older_version_are_not_returned_as_current() {
    let site = Site::new().await;
    let people = users(&site, 40).await;
    let staff = site.group("staff", &[]).await;
    site.commit(&Commit { add: all(&people), ..touch(&staff, 1) }).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let proxy = Proxy::start("Query", [Fault::Hold("#unsettled".to_owned(), gate.clone())]).await;
    let slow = Site::at(&proxy.url, &site.table).await;
    let (tenant, person) = (slow.caller.tenant.clone(), people[7].clone());
    let read = tokio::spawn(async move { slow.directory.groups_of_each(&tenant, &[(&person, None)]).await });
    while proxy.calls.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Waits until the edges have been read in their old state.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    gate.add_permits(9);
    assert_eq!(read.await.unwrap(), Ok(vec![vec![staff.clone()]]));
    // One item is left, whatever the number of changes.
    site.commit(&Commit { remove: all(&people), ..touch(&staff, 2) }).await.unwrap();
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    assert_eq!(site.items("acme#unsettled").await.len(), 1);
}
