//! A group changes while the store reads its members: the store completes them from the change records.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use schema::Kind::{Group, User};
use schema::ResourceId;
use serde_json::json;
use store::{Commit, CommitState, Member, MemberSummary, StoredResource};

use crate::capacity::{calls, listen, units};
use crate::engine::{Site, delete, delete_from, id, raw, rename, user};
use crate::proxy::{Fault, Proxy};

/// Restores a deleted edge, as if it had been read before its deletion.
async fn restore(site: &Site, group: &ResourceId, member: &ResourceId) {
    let texts = [("pk", format!("acme#member#{group}")), ("sk", member.to_string()), ("type", "User".to_owned())];
    let item: HashMap<_, _> = texts.into_iter().map(|(name, text)| (name.to_owned(), S(text))).collect();
    raw().put_item().table_name(&site.table).set_item(Some(item)).send().await.unwrap();
}

/// Writes the records of this many changes of other resources, as a busy tenant does.
async fn change_others(site: &Site, count: usize) {
    let record = site.items("acme#change").await.pop().unwrap();
    let puts = (0..count).map(|_| {
        let others = ["sk", "id"].map(|name| (name.to_owned(), S(id().to_string())));
        let item = record.clone().into_iter().chain(others).collect();
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    let (client, puts) = (raw(), puts.collect::<Vec<_>>());
    for puts in puts.chunks(25) {
        client.batch_write_item().request_items(&site.table, puts.to_vec()).send().await.unwrap();
    }
}

fn ids(members: &[Member]) -> Vec<ResourceId> {
    members.iter().map(|member| member.id.clone()).collect()
}

#[tokio::test]
async fn edges_of_mixed_versions_are_completed_from_change_records() {
    let site = Site::new().await;
    let [ann, bob, eve, joe] = [site.user("a").await, site.user("b").await, site.user("c").await, site.user("d").await];
    let staff = site.group("staff", &[&ann, &bob]).await;
    let tenant = &site.caller.tenant;
    let before = site.directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    let touch = |version| rename(Group, &staff, version, "staff", "staff");
    site.commit(&Commit { add: vec![user(&eve), user(&joe)], ..touch(1) }).await.unwrap();
    site.commit(&Commit { remove: vec![user(&ann), user(&joe)], ..touch(2) }).await.unwrap();
    site.commit(&delete_from(User, &bob, 1, "b", &[(&staff, 3)])).await.unwrap();
    for stale in [&ann, &bob, &joe] {
        restore(&site, &staff, stale).await;
    }
    listen();
    let (seen, members) = site.directory.members(tenant, before.clone()).await.unwrap().unwrap();
    assert_eq!((seen.version, ids(&members)), (4, vec![eve.clone()]));
    assert_eq!(calls(), ["Query", "GetItem", "Query", "GetItem"], "the edges, the group, its records, and Eve's edge");

    // Without a record that explains it, a membership is not assumed.
    let now = site.directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    assert_eq!(
        site.directory.members(tenant, now).await,
        Err(store::Error::Contended),
        "no record explains three of the edges"
    );
}

#[tokio::test]
async fn member_added_after_the_edges_were_read_is_read_alone() {
    let site = Site::new().await;
    let [ann, bob, eve] = [site.user("a").await, site.user("b").await, site.user("c").await];
    let staff = site.group("staff", &[&ann, &bob]).await;
    let tenant = &site.caller.tenant;
    let before = site.directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    let edge = |id: &ResourceId| json!({ "sk": { "S": id.as_str() }, "type": { "S": "User" } });
    let stale = Fault::Answer(200, json!({ "Items": [edge(&bob)] }));
    let swap = Commit { add: vec![user(&eve)], remove: vec![user(&ann)], ..rename(Group, &staff, 1, "staff", "staff") };
    site.commit(&swap).await.unwrap();
    let proxy = Proxy::start("Query", [stale, Fault::None]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    listen();
    let (seen, members) = behind.directory.members(tenant, before).await.unwrap().unwrap();
    assert_eq!((seen.version, ids(&members)), (2, vec![bob, eve]));
    assert_eq!(calls(), ["Query", "GetItem", "Query", "GetItem"], "the edges, the group, its records, and Eve's edge");
}

#[tokio::test]
async fn member_with_a_new_display_is_returned_with_it() {
    let site = Site::new().await;
    let [ann, bob, eve] = [site.user("a").await, site.user("b").await, site.user("c").await];
    let staff = site.group("staff", &[&ann, &bob]).await;
    let tenant = &site.caller.tenant;
    let before = site.directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    let edge = |id: &ResourceId| json!({ "sk": { "S": id.as_str() }, "type": { "S": "User" } });
    let stale = Fault::Answer(200, json!({ "Items": [edge(&ann), edge(&bob)] }));
    // One member gets a new display name, one is removed and added again with a new one, and a third is added.
    let as_new = |id: &ResourceId| Member { display: Some("new".to_owned()), ..user(id) };
    let touch = |version| rename(Group, &staff, version, "staff", "staff");
    let show = Commit { add: vec![as_new(&ann)], remove: vec![user(&ann), user(&bob)], ..touch(1) };
    site.commit(&show).await.unwrap();
    site.commit(&Commit { add: vec![as_new(&bob), as_new(&eve)], ..touch(2) }).await.unwrap();
    let proxy = Proxy::start("Query", [stale, Fault::None]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    // One edge is missing, so the edges match no version.
    let member_summary = MemberSummary { count: 3, ..before.member_summary.clone() };
    let read = StoredResource { member_summary, ..before };
    let (seen, members) = behind.directory.members(tenant, read).await.unwrap().unwrap();
    assert_eq!(seen.version, 3);
    assert_eq!(members, [as_new(&ann), as_new(&bob), as_new(&eve)]);
}

#[tokio::test]
async fn reading_a_group_that_changes_costs_the_same_however_busy_the_tenant_is() {
    let site = Site::new().await;
    let [ann, bob] = [site.user("a").await, site.user("b").await];
    let staff = site.group("staff", &[&ann]).await;
    let tenant = &site.caller.tenant;
    let before = site.directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    change_others(&site, 5000).await;
    let touch = rename(Group, &staff, 1, "staff", "staff");
    site.commit(&Commit { add: vec![user(&bob)], remove: vec![user(&ann)], ..touch }).await.unwrap();
    restore(&site, &staff, &ann).await;
    listen();
    let (seen, members) = site.directory.members(tenant, before).await.unwrap().unwrap();
    assert_eq!((seen.version, ids(&members)), (2, vec![bob]));
    let units = units();
    assert!(units < 30.0, "{units} units");
}

#[tokio::test]
async fn reading_a_group_with_a_pending_change_costs_the_same_however_busy_the_tenant_is() {
    let site = Site::new().await;
    let mut people = Vec::new();
    for n in 0..40 {
        people.push(site.user(&format!("user-{n}")).await);
    }
    let staff = site.group("staff", &[]).await;
    let change = Commit { add: people.iter().map(user).collect(), ..rename(Group, &staff, 1, "staff", "staff") };
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    change_others(&site, 5000).await;
    let gone = people.pop().unwrap();
    site.commit(&delete(User, &gone, 1, "user-39")).await.unwrap();
    listen();
    assert_eq!(ids(&site.members(&staff).await.unwrap()), people);
    let units = units();
    assert!(units < 200.0, "{units} units");
}
