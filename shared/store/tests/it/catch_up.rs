//! A group changes while the store reads its members: the store completes them from the change records.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue::S;
use schema::Kind::{Group, User};
use schema::ResourceId;
use serde_json::json;
use store::{Commit, Member, MemberSummary, Stored};

use crate::capacity::{calls, listen};
use crate::engine::{Site, delete_from, raw, rename, user};
use crate::proxy::{Fault, Proxy};

/// Restores a deleted edge, as if it had been read before its deletion.
async fn restore(site: &Site, group: &ResourceId, member: &ResourceId) {
    let texts = [("pk", format!("acme#member#{group}")), ("sk", member.to_string()), ("type", "User".to_owned())];
    let item: HashMap<_, _> = texts.into_iter().map(|(name, text)| (name.to_owned(), S(text))).collect();
    raw().put_item().table_name(&site.table).set_item(Some(item)).send().await.unwrap();
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
    let read = Stored { member_summary, ..before };
    let (seen, members) = behind.directory.members(tenant, read).await.unwrap().unwrap();
    assert_eq!(seen.version, 3);
    assert_eq!(members, [as_new(&ann), as_new(&bob), as_new(&eve)]);
}
