//! Tables that hold a part of a transaction only, as after a restore to a moment in its middle, or items that this
//! version does not know. No request hangs, calls DynamoDB without a pause, or is refused because of them.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use futures_util::future::join;
use protocol::{Error, Exchange, Precondition, Projection};
use schema::Kind;
use serde_json::json;
use service::Context;
use service::check::{CheckQuery, check};
use store::SettleState;
use testkit::{call_engine, engine};

use crate::crash::{Ids, group, members, object};
use crate::engine::{Site, id, raw, user};
use crate::model::context;
use crate::proxy::{Fault, Proxy};

/// The most calls of a request that tries for two seconds.
const MAX_CALLS: usize = 100;

fn update(
    site: &Site,
    pk: &str,
    sk: &str,
) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
    raw().update_item().table_name(&site.table).key("pk", S(pk.to_owned())).key("sk", S(sk.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn group_that_is_pending_without_a_pending_item_is_refused_in_time() {
    let site = Site::new().await;
    let (ann, staff) = (site.user("ann").await, site.group("staff", &[]).await);
    let set = update(&site, "acme#group", staff.as_str()).update_expression("SET pending = :change");
    set.expression_attribute_values(":change", S(id().to_string())).send().await.unwrap();
    let proxy = Proxy::before_death(None).await;
    let counted = Site::at(&proxy.url, &site.table).await;
    // A change begins no attempt in the eight seconds before its deadline.
    let deadline = Instant::now() + Duration::from_secs(10);
    let exchange = Exchange { caller: &counted.caller, base_url: "https://api.example/scim/v2", deadline };
    let context = Context::new(&counted.directory, exchange);
    let body = object(json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": ann.as_str()}]}]}));
    let (projection, any) = (Projection::default(), Precondition::default());
    let changed = service::patch(&context, Kind::Group, staff.as_str(), &body, &projection, &any).await;
    assert!(matches!(changed, Err(Error::Unavailable { .. })), "{changed:?}");
    assert!(proxy.made() < MAX_CALLS, "{} calls", proxy.made());
}

/// DynamoDB shows that a change is complete by one item, and not yet by the other one.
#[tokio::test(flavor = "multi_thread")]
async fn end_of_a_change_that_is_shown_late_refuses_no_request() {
    let site = Site::new().await;
    let (ann, staff) = (site.user("ann").await, group(&site, "staff", &Ids::new()).await);
    let key = json!({"pk": {"S": "acme#group"}, "sk": {"S": staff}});
    let read = json!({"TableName": site.table, "Key": key});
    let mut before = call_engine(engine(), "local", "GetItem", &read);
    before["Item"]["pending"] = json!({"S": id().as_str()});
    // Each attempt reads the group, and then the pending item.
    let late = [Fault::Answer(200, before), Fault::None];
    let faults = std::iter::repeat_n(late, 6).flatten().chain([Fault::None]);
    let proxy = Proxy::start("GetItem", faults).await;
    let behind: &'static Site = Box::leak(Box::new(Site::at(&proxy.url, &site.table).await));
    let body = object(json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": ann.as_str()}]}]}));
    let (projection, any) = (Projection::default(), Precondition::default());
    let changed = service::patch(&context(behind), Kind::Group, &staff, &body, &projection, &any).await;
    assert_eq!(changed.map(|reply| reply.status), Ok(200));
    assert_eq!(members(&site, &staff).await, Ids::from([ann.to_string()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_item_of_a_group_that_is_not_pending_causes_no_busy_loop() {
    let site = Site::new().await;
    let people = [site.user("ann").await, site.user("bob").await];
    let staff = site.group("staff", &people.iter().collect::<Vec<_>>()).await;
    let mut change = crate::engine::rename(Kind::Group, &staff, 1, "staff", "staff");
    change.add = Vec::new();
    for n in 0..40 {
        change.add.push(user(&site.user(&format!("user-{n}")).await));
    }
    site.commit(&change).await.unwrap();
    update(&site, "acme#group", staff.as_str()).update_expression("REMOVE pending").send().await.unwrap();
    let proxy = Proxy::before_death(None).await;
    let counted = Site::at(&proxy.url, &site.table).await;
    let deadline = Instant::now() + Duration::from_secs(2);
    let settled = counted.directory.settle(&site.caller.tenant, &staff, deadline).await;
    assert_eq!(settled, Ok(SettleState::Unfinished));
    assert!(proxy.made() < MAX_CALLS, "{} calls", proxy.made());
}

/// While a deployment replaces the functions, or after a rollback, a function reads items that a newer one has written.
#[tokio::test]
async fn unknown_item_among_the_pending_changes_is_passed_over() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let staff = site.group("staff", &[&ann]).await;
    let put = update(&site, "acme#unsettled", "of-tomorrow").update_expression("SET settled = :a");
    put.expression_attribute_values(":a", S("x".to_owned())).send().await.unwrap();
    assert_eq!(site.groups_of(&ann).await, [staff]);
}

/// DynamoDB shows a membership item seconds before it shows the count that the same transaction has changed.
#[tokio::test]
async fn count_is_wrong_only_if_it_stays_wrong() {
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    let ann = json!({ "userName": "ann" });
    let ann = service::create(&context(site), Kind::User, ann.as_object().unwrap(), &Projection::default()).await;
    let ann = ann.unwrap().body.unwrap()["id"].as_str().unwrap().to_owned();
    let count = async |groups: u64| {
        let update = raw().update_item().table_name(&site.table).update_expression("SET groupCount = :groups");
        let update = update.key("pk", S("acme#user".to_owned()));
        let update = update.key("sk", S(ann.clone()));
        let groups = N(groups.to_string());
        update.expression_attribute_values(":groups", groups).send().await.unwrap();
    };
    let torn_time = Duration::from_millis(1500);
    let directory = site.directory.clone().with_torn_time(torn_time);
    let query = CheckQuery { tenant: Some("acme".to_owned()), ..CheckQuery::default() };
    let until = || Instant::now() + Duration::from_secs(60);
    count(1).await;
    let corrected = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        count(0).await;
    };
    let (checked, ()) = join(check(&directory, &query, until()), corrected).await;
    assert!(checked.unwrap().findings.is_empty());
    count(1).await;
    let begun = Instant::now();
    let found = check(&directory, &query, until()).await.unwrap().findings;
    assert_eq!(found.iter().map(|it| it.problem).collect::<Vec<_>>(), ["groupsMiscounted"]);
    assert!(begun.elapsed() >= torn_time);
}
