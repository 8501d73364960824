//! Change records: each commit writes one, without any value. Creating the table.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use schema::Kind::{Group, User};
use store::{Commit, Connection, Credentials, Directory, Error};
use testkit::engine;

use crate::engine::{AT, Site, create, delete_from, raw, rename, user};

#[tokio::test]
async fn commit_writes_its_change_record_in_the_same_transaction() {
    let site = Site::new().await;
    let ann = create(User, "ann");
    site.commit(&ann).await.unwrap();
    let bob = site.user("bob").await;
    let staff = site.group("staff", &[&bob]).await;
    let change =
        Commit { add: vec![user(&ann.id)], remove: vec![user(&bob)], ..rename(Group, &staff, 1, "staff", "all") };
    site.commit(&change).await.unwrap();
    assert_eq!(site.commit(&change).await, Err(Error::Stale));
    site.commit(&delete_from(User, &ann.id, 1, "ann", &[(&staff, 2)])).await.unwrap();

    let records = site.items("acme#change").await;
    let what: Vec<_> = records.iter().map(|record| record["what"].as_s().unwrap().as_str()).collect();
    assert_eq!(what, ["user.created", "user.created", "group.created", "group.updated", "user.deleted"]);
    let shown: BTreeMap<_, _> = records[3].iter().filter(|(name, _)| *name != "expires").collect();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let list = |item: &str| AttributeValue::L(vec![text(item)]);
    let number = |number: &str| AttributeValue::N(number.to_owned());
    let expected = [
        ("at", text(AT)),
        ("attributes", list("displayName")),
        ("format", number("1")),
        ("id", text(staff.as_str())),
        ("membersAdded", list(ann.id.as_str())),
        ("membersRemoved", list(bob.as_str())),
        ("pk", text("acme#change")),
        ("resourceType", text("Group")),
        ("sk", text(change.change.id.as_str())),
        ("token", text("token-1")),
        ("versionAfter", number("2")),
        ("versionBefore", number("1")),
        ("what", text("group.updated")),
    ];
    assert_eq!(shown.into_iter().map(|(k, v)| (k.as_str(), v.clone())).collect::<Vec<_>>(), expected);
    let left = [("id", text(staff.as_str())), ("version", number("3")), ("previousAt", text(AT))];
    let left = HashMap::from(left.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(records[4]["groupsLeft"], AttributeValue::L(vec![AttributeValue::M(left)]));
    assert!(!records[0].contains_key("versionBefore") && !records[4].contains_key("versionAfter"));
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let kept = records[0]["expires"].as_n().unwrap().parse::<u64>().unwrap() - now;
    assert!((399..=400).contains(&(kept / 86_400)));
}

#[tokio::test]
async fn create_table_on_an_existing_table_checks_its_keys() {
    let site = Site::new().await;
    site.user("ann").await;
    site.directory.create_table().await.unwrap();
    assert_eq!(site.directory.count(&site.caller.tenant, User).await, Ok(1));
    let expiry = raw().describe_time_to_live().table_name(&site.table).send().await.unwrap();
    assert_eq!(expiry.time_to_live_description().unwrap().attribute_name(), Some(store::KEYS.expiry));

    use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
    let other = format!("{}-other", site.table);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let kind =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build().unwrap();
    let create = raw().create_table().table_name(&other).billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(kind).send().await.unwrap();
    let site = Site::at(engine(), &other).await;
    assert_eq!(site.directory.create_table().await, Err(Error::Refused(format!("the table {other} has other keys"))));
}

#[tokio::test]
async fn create_table_by_many_callers_at_once_succeeds_for_all() {
    let table = format!("made-at-once-{}", uuid::Uuid::now_v7());
    let sites = futures_util::future::join_all((0..16).map(|_| Site::at(engine(), &table))).await;
    let made = futures_util::future::join_all(sites.iter().map(|site| site.directory.create_table())).await;
    assert_eq!(made, vec![Ok(()); 16]);
}

#[tokio::test]
async fn missing_table_is_refused_and_unreachable_table_is_unavailable() {
    let site = Site::at(engine(), "no-such-table").await;
    let answer = site.directory.count(&site.caller.tenant, User).await;
    assert_eq!(answer, Err(Error::Refused("Query: ResourceNotFoundException".to_owned())));

    let nowhere = Connection {
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        table: "t".to_owned(),
        credentials: Credentials::Key("local".to_owned()),
    };
    let directory = Directory::connect(nowhere).await.unwrap();
    assert!(matches!(directory.get_token("one").await, Err(Error::Unavailable(_))));
}
