//! The groups of a member that readers see while large changes are pending, and the items that they read.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use schema::Kind::Group;
use schema::ResourceId;
use serde_json::json;
use store::{Commit, CommitState, Error, SettleState};
use testkit::{call_engine, engine};
use tokio::sync::Semaphore;

use crate::capacity::{calls, listen};
use crate::engine::{Site, raw, rename, user};
use crate::proxy::{Fault, Proxy, error};

const PEOPLE: usize = 40;

/// A group to which users are added by a large change, which is pending.
async fn group_with_pending_change(site: &Site, name: &str, people: &[ResourceId]) -> ResourceId {
    let group = site.group(name, &[]).await;
    let change = Commit { add: people.iter().map(user).collect(), ..rename(Group, &group, 1, name, name) };
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    group
}

async fn people(site: &Site, name: &str, count: usize) -> Vec<ResourceId> {
    let mut people = Vec::new();
    for n in 0..count {
        people.push(site.user(&format!("{name}-{n}")).await);
    }
    people
}

#[tokio::test]
async fn pending_changes_are_read_once_for_a_page_of_users() {
    let site = Site::new().await;
    let people = people(&site, "user", PEOPLE).await;
    let mut groups = Vec::new();
    for name in ["a", "b", "c"] {
        groups.push(group_with_pending_change(&site, name, &people).await);
    }
    let members: Vec<_> = people.iter().map(|id| (id, Some(0))).collect();
    listen();
    let read = site.directory.groups_of_each(&site.caller.tenant, &members).await.unwrap();
    assert_eq!(read, vec![groups.clone(); PEOPLE]);
    let made = calls();
    let queries = made.iter().filter(|call| *call == "Query").count();
    assert_eq!(
        queries,
        1 + groups.len() + PEOPLE,
        "what is pending, the chunks of each change, and the edges of each user"
    );
    assert!(made.len() <= queries + 2, "{made:?}");

    // One user does not need all chunks of a change.
    let everybody = [people, self::people(&site, "more", 200).await].concat();
    let large = group_with_pending_change(&site, "large", &everybody).await;
    listen();
    let read = site.directory.groups_of_each(&site.caller.tenant, &[(&everybody[100], Some(0))]).await.unwrap();
    assert_eq!(read, [[large]]);
    assert_eq!(calls(), ["Query", "Query", "Query", "Query", "Query", "BatchGetItem", "Query"]);
}

/// DynamoDB shows the chunk as applied, and not yet the edge that the same transaction has written.
#[tokio::test]
async fn group_of_a_chunk_that_was_just_applied_is_not_missed() {
    let site = Site::new().await;
    let people = people(&site, "user", PEOPLE).await;
    let staff = group_with_pending_change(&site, "staff", &people).await;
    let pending = site.pending_items().await.pop().unwrap();
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    raw().put_item().table_name(&site.table).set_item(Some(pending.clone())).send().await.unwrap();
    let no_edges = Fault::Answer(200, json!({ "Items": [] }));
    let proxy = Proxy::start("Query", [Fault::None, Fault::None, no_edges.clone()]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(behind.groups_of(&people[7]).await, std::slice::from_ref(&staff));

    // A function that keeps change records for thirty days has applied the chunk.
    let change = pending["change"].as_s().unwrap();
    for mut chunk in site.items(&format!("acme#part#{change}")).await {
        let expires: u64 = chunk["expires"].as_n().unwrap().parse().unwrap();
        chunk.insert("expires".to_owned(), AttributeValue::N((expires - 370 * 24 * 60 * 60).to_string()));
        raw().put_item().table_name(&site.table).set_item(Some(chunk)).send().await.unwrap();
    }
    let proxy = Proxy::start("Query", [Fault::None, Fault::None, no_edges]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(behind.groups_of(&people[7]).await, [staff]);
}

/// A change is committed and applied to some users while the groups of a page of users are read.
#[tokio::test]
async fn change_that_begins_while_a_page_is_read_is_seen_for_all_or_for_none() {
    let site = Site::new().await;
    let people = people(&site, "user", PEOPLE).await;
    let staff = site.group("staff", &[]).await;
    let (first, last) = (people[0].clone(), people[PEOPLE - 1].clone());
    let other = site.group("other", &[&first, &last]).await;
    let gate = Arc::new(Semaphore::new(0));
    let proxy = Proxy::start("Query", [Fault::Hold(format!("#memberOf#{last}"), gate.clone())]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    let (tenant, members) = (site.caller.tenant.clone(), [first, last]);
    let read = tokio::spawn(async move {
        let members: Vec<_> = members.iter().map(|id| (id, Some(1))).collect();
        behind.directory.groups_of_each(&tenant, &members).await
    });
    // The first user is read before the change, and the last one after it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let change = Commit { add: people.iter().map(user).collect(), ..rename(Group, &staff, 1, "staff", "staff") };
    assert_eq!(site.commit(&change).await, Ok(CommitState::Pending));
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    gate.add_permits(9);
    assert_eq!(read.await.unwrap(), Ok(vec![vec![staff, other]; 2]));
}

/// A chunk was split a moment ago, and a query does not show its second half yet.
#[tokio::test]
async fn chunk_that_was_split_off_is_read_in_its_place() {
    let site = Site::new().await;
    let people = people(&site, "user", 70).await;
    let staff = group_with_pending_change(&site, "staff", &people).await;
    let pending = site.pending_items().await.pop().unwrap();
    let change = ResourceId::parse(pending["change"].as_s().unwrap()).unwrap();
    let query = json!({
        "TableName": site.table, "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("acme#part#{change}") } },
    });
    let mut read = call_engine(engine(), "local", "Query", &query);
    let chunks = read["Items"].as_array_mut().unwrap();
    let second = chunks.remove(1);
    chunks[0]["splitOff"] = json!({ "L": [second["sk"]] });
    let shown = || Fault::Answer(200, read.clone());
    let tenant = &site.caller.tenant;

    let hidden = second["add"]["L"][0]["M"]["id"]["S"].as_str().unwrap();
    let proxy = Proxy::start("Query", [Fault::None, shown(), Fault::None]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert_eq!(behind.groups_of(&ResourceId::parse(hidden).unwrap()).await, [staff]);

    let proxy = Proxy::start("Query", [shown()]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    let expect = site.directory.chunks_of_change(tenant, &change).await.unwrap();
    assert_eq!(behind.directory.chunks_of_change(tenant, &change).await.unwrap(), expect);
}

/// A reader that sees no pending change has to see that one was pending a moment ago.
#[tokio::test]
async fn time_of_the_last_change_is_written_before_it_is_pending_no_more() {
    let site = Site::new().await;
    let people = people(&site, "user", PEOPLE).await;
    let staff = group_with_pending_change(&site, "staff", &people).await;
    // Two chunks, the time, and the end of the change.
    let refused = Fault::Answer(400, error("ValidationException"));
    let proxy = Proxy::start("TransactWriteItems", [Fault::None, Fault::None, Fault::None, refused]).await;
    let behind = Site::at(&proxy.url, &site.table).await;
    assert!(matches!(behind.settle(&staff).await, Err(Error::Refused(_))));
    assert_eq!((site.items("acme#unsettled").await.len(), site.pending_items().await.len()), (2, 1));
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
}
