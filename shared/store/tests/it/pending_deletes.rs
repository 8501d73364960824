//! A deleted member is not shown from its delete on, also while its edges remain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::{Precondition, Projection};
use schema::Kind::{Group, User};
use serde_json::json;
use store::{Commit, CommitState, RemainingEdges, ResourceWrite, SettleState, StoredResource};
use tokio::sync::Semaphore;

use crate::engine::{Site, delete_first, raw, rename, user};
use crate::model::context;
use crate::proxy::{Fault, Proxy};

impl Site {
    async fn stored(&self, group: &schema::ResourceId) -> StoredResource {
        self.directory.get(&self.caller.tenant, Group, group).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn group_left_by_a_deleted_member_is_not_older_than_before() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let staff = site.group("staff", &[&ann, &bob]).await;
    site.commit(&delete_first(User, &ann, 1, "ann", 1)).await.unwrap();
    site.settle(&ann).await.unwrap();
    let left = site.stored(&staff).await;
    assert!(left.last_modified.as_str() > crate::engine::AT, "the time of the new version, and not of the delete");
    let records = site.items("acme#change").await;
    let record = records.iter().find(|record| record.contains_key("membersRemoved")).unwrap();
    assert_eq!(record["at"].as_s().unwrap(), crate::engine::AT, "nobody was a member after the deletion");

    // The clock of another writer is ahead.
    let mut ahead = rename(Group, &staff, 2, "staff", "board");
    ahead.change.at = "2099-01-01T00:00:00.000Z".to_owned();
    site.commit(&ahead).await.unwrap();
    site.commit(&delete_first(User, &bob, 1, "bob", 1)).await.unwrap();
    site.settle(&bob).await.unwrap();
    assert_eq!(site.stored(&staff).await.last_modified, ahead.change.at);
}

#[tokio::test]
async fn group_is_not_304_while_a_deleted_member_has_an_edge() {
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let staff = site.group("staff", &[&ann, &bob]).await;
    let known = Precondition::new(None, Some("W/\"1\""));
    let read = || async {
        let context = context(site);
        service::get(&context, Group, staff.as_str(), &Projection::default(), &known).await.unwrap()
    };
    assert_eq!(read().await.status, 304);
    let delete: Commit = delete_first(User, &ann, 1, "ann", 1);
    site.commit(&delete).await.unwrap();
    let reply = read().await;
    let members = reply.body.as_ref().unwrap()["members"].as_array().unwrap();
    assert_eq!((reply.status, members.len()), (200, 1));
    assert_eq!(members[0]["value"], bob.as_str());
    site.settle(&ann).await.unwrap();
    let reply = read().await;
    assert_eq!((reply.status, reply.version.as_deref()), (200, Some("W/\"2\"")));
}

/// A group to which 40 users are added by a large change, which is pending, and the change.
async fn group_with_pending_change(site: &Site) -> (schema::ResourceId, Commit) {
    let staff = site.group("staff", &[]).await;
    let mut change = rename(Group, &staff, 1, "staff", "staff");
    change.add = Vec::new();
    for n in 0..40 {
        change.add.push(user(&site.user(&format!("user-{n}")).await));
    }
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    (staff, change)
}

/// A member that a large change has added has no edge yet, and can be deleted without any change of the group.
#[tokio::test]
async fn group_is_not_304_while_a_large_change_is_pending() {
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    let (staff, change) = group_with_pending_change(site).await;
    let gone = change.add[0].id.clone();
    let known = Precondition::new(None, Some("W/\"2\""));
    let read = || async {
        let context = context(site);
        let reply = service::get(&context, Group, staff.as_str(), &Projection::default(), &known).await.unwrap();
        (reply.status, reply.body.map(|body| body["members"].as_array().unwrap().len()))
    };
    assert_eq!(read().await, (200, Some(40)));
    site.commit(&delete_first(User, &gone, 1, "user-0", 0)).await.unwrap();
    assert_eq!(read().await, (200, Some(39)));
}

/// DynamoDB does not show the edges of a change that was committed just before the delete.
#[tokio::test]
async fn deleted_member_leaves_groups_whose_edges_are_not_visible_yet() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let mut groups = Vec::new();
    for name in ["a", "b", "c"] {
        groups.push(site.group(name, &[&ann, &bob]).await);
    }
    let mut delete = delete_first(User, &ann, 1, "ann", 3);
    if let ResourceWrite::Delete { remaining, .. } = &mut delete.write {
        *remaining = RemainingEdges::Present { pending: None, groups: groups.clone() };
    }
    site.commit(&delete).await.unwrap();
    let proxy = Proxy::start("Query", [Fault::Answer(200, json!({ "Items": [] }))]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(behind.settle(&ann).await, Ok(SettleState::Done));
    for group in &groups {
        assert_eq!(site.member_ids(group).await, std::slice::from_ref(&bob));
    }
    assert_eq!(site.items(&format!("acme#memberOf#{ann}")).await, []);
}

/// DynamoDB shows that a member has no edge, and shows one a moment later.
#[tokio::test]
async fn delete_ends_only_if_no_edge_is_found_once_more() {
    const TORN_TIME: Duration = Duration::from_millis(1500);
    let mut site = Site::new().await;
    site.directory = site.directory.clone().with_torn_time(TORN_TIME);
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let staff = site.group("staff", &[&ann, &bob]).await;
    let hidden = hide_edges(&site, &staff, &ann).await;
    site.commit(&delete_first(User, &ann, 1, "ann", 1)).await.unwrap();
    assert_eq!(site.settle(&ann).await, Ok(SettleState::Waiting));
    put(&site, hidden).await;
    let due = || async { site.directory.unfinished_changes(store::now_ms() + 3_600_000).await.unwrap() };
    let until = std::time::Instant::now() + Duration::from_secs(60);
    assert_eq!(site.directory.finish_change(&due().await[0], until).await, Ok(SettleState::Waiting));
    assert_eq!((due().await.len(), site.pending_items().await.len()), (1, 1));
    assert_eq!(site.member_ids(&staff).await, std::slice::from_ref(&bob));
    tokio::time::sleep(TORN_TIME).await;
    assert_eq!(site.directory.finish_change(&due().await[0], until).await, Ok(SettleState::Done));
    assert_eq!((due().await.len(), site.pending_items().await.len()), (0, 0));
    assert_eq!(site.items(&format!("acme#memberOf#{ann}")).await, []);
}

/// DynamoDB shows the edges of a group that is being created, and not yet the group.
#[tokio::test]
async fn group_that_is_not_visible_yet_is_left_and_not_taken_for_deleted() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let staff = site.group("staff", &[&ann, &bob]).await;
    site.commit(&delete_first(User, &ann, 1, "ann", 1)).await.unwrap();
    // The pending delete, and the group.
    let proxy = Proxy::start("GetItem", [Fault::None, Fault::Answer(200, json!({})), Fault::None]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(behind.settle(&ann).await, Ok(SettleState::Done));
    assert_eq!(site.member_ids(&staff).await, [bob]);
    assert_eq!(site.stored(&staff).await.version, 2);
}

/// Deletes the two edges between a group and a member. Returns them.
async fn hide_edges(
    site: &Site,
    group: &schema::ResourceId,
    member: &schema::ResourceId,
) -> Vec<HashMap<String, AttributeValue>> {
    let mut hidden = Vec::new();
    for collection in [format!("acme#member#{group}"), format!("acme#memberOf#{member}")] {
        let is_of_member = |item: &HashMap<String, AttributeValue>| format!("{item:?}").contains(member.as_str());
        for item in site.items(&collection).await.into_iter().filter(is_of_member) {
            let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
            raw().delete_item().table_name(&site.table).set_key(Some(key.into())).send().await.unwrap();
            hidden.push(item);
        }
    }
    assert_eq!(hidden.len(), 2);
    hidden
}

async fn put(site: &Site, items: Vec<HashMap<String, AttributeValue>>) {
    for item in items {
        raw().put_item().table_name(&site.table).set_item(Some(item)).send().await.unwrap();
    }
}

/// Another caller is applying a chunk of a group that is deleted: DynamoDB shows that the chunk is applied, and not yet
/// its edge.
#[tokio::test]
async fn edge_of_a_chunk_that_is_being_applied_is_deleted_with_its_group() {
    let site = Site::new().await;
    let (staff, change) = group_with_pending_change(&site).await;
    let ann = change.add[0].id.clone();
    let group = site.items("acme#group").await;
    let pending = site.pending_items().await;
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    let hidden = hide_edges(&site, &staff, &ann).await;
    put(&site, [group, pending].concat()).await;
    let mut delete = delete_first(Group, &staff, 2, "staff", 0);
    if let ResourceWrite::Delete { remaining, .. } = &mut delete.write {
        *remaining = RemainingEdges::Present { pending: Some(change.change.id.clone()), groups: Vec::new() };
    }
    site.commit(&delete).await.unwrap();

    let gate = Arc::new(Semaphore::new(0));
    let chunks = format!("#part#{}", change.change.id);
    let proxy = Proxy::start("TransactGetItems", [Fault::Hold(chunks, gate.clone())]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    let settling = tokio::spawn(async move { behind.settle(&staff).await });
    for _ in 0..200 {
        if !proxy.calls.lock().unwrap().is_empty() || settling.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    put(&site, hidden).await;
    gate.add_permits(9);
    assert_eq!(settling.await.unwrap(), Ok(SettleState::Done));
    assert_eq!(site.items(&format!("acme#memberOf#{ann}")).await, []);
}
