//! A deleted member is not shown from its delete on, also while its edges remain.

use protocol::{Precondition, Projection};
use schema::Kind::{Group, User};
use serde_json::json;
use store::{Commit, RemainingEdges, SettleState, Stored, Write};

use crate::engine::{Site, delete_first, rename};
use crate::model::context;
use crate::proxy::{Fault, Proxy};

impl Site {
    async fn stored(&self, group: &schema::ResourceId) -> Stored {
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
    if let Write::Delete { remaining, .. } = &mut delete.write {
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
