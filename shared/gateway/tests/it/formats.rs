//! Items say their format. One that a newer release has written is refused, or passed over where that is right.

use std::collections::BTreeSet;

use protocol::{Error, Parameters, Precondition, Projection, Query, Reply};
use schema::Kind;
use serde_json::{Value, json};

use crate::directory::TABLE;
use crate::fixture::Fixture;

impl Fixture {
    pub(crate) fn all_items(&self) -> Vec<Value> {
        let found = self.engine.call("Scan", &json!({"TableName": TABLE}));
        assert!(found.get("LastEvaluatedKey").is_none(), "the table of a test is one page");
        found["Items"].as_array().unwrap().clone()
    }

    /// Gives an item the format of a newer release.
    fn make_newer(&self, pk: &str, sk: &str) {
        let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
        let update = json!({
            "TableName": TABLE, "Key": key, "UpdateExpression": "SET #format = :newer",
            "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeNames": {"#format": "format"},
            "ExpressionAttributeValues": {":newer": {"N": "2"}},
        });
        assert_eq!(self.engine.call("UpdateItem", &update), json!({}));
    }

    async fn list(&self, parameters: Parameters) -> Result<Reply, Error> {
        let query = Query::parse(&[Kind::User], parameters, &self.caller.dialect)?;
        service::list(&self.context(), &query).await
    }

    async fn get(&self, id: &str) -> Result<u16, Error> {
        let all = Projection::default();
        let any = Precondition::default();
        Ok(service::get(&self.context(), Kind::User, id, &all, &any).await?.status)
    }
}

/// The collections of all items, without the tenant.
const COLLECTIONS: [&str; 16] = [
    "bookmark",
    "change",
    "count",
    "group",
    "groupName",
    "member",
    "memberOf",
    "part",
    "secret",
    "token",
    "unfinished",
    "unsettled",
    "user",
    "userEmail",
    "userExternalId",
    "userName",
];

pub(crate) fn collection(pk: &str) -> &str {
    pk.split('#').nth(1).unwrap_or(pk)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_says_its_format() {
    let fixture = Fixture::new().await;
    let mut users = Vec::new();
    for n in 0..40 {
        let emails = json!([{"value": format!("User-{n}@example.com")}]);
        let user = json!({"userName": format!("User {n}"), "externalId": n.to_string(), "emails": emails});
        users.push(json!({"value": fixture.create(Kind::User, user).await}));
    }
    let group = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": users[..2]})).await;
    fixture.patch(Kind::Group, &group, json!([{"op": "add", "path": "members", "value": users}])).await;
    let active = json!([{"op": "replace", "path": "active", "value": false}]);
    fixture.patch(Kind::User, users[0]["value"].as_str().unwrap(), active).await;
    let page = Parameters { count: Some(3), ..Parameters::default() };
    fixture.list(Parameters { start_index: Some(1), ..page.clone() }).await.unwrap();
    fixture.list(Parameters { cursor: Some(String::new()), ..page }).await.unwrap();
    service::tokens::issue(fixture.directory, crate::tokens::wish("acme", None)).await.unwrap();
    let others = fixture.create(Kind::Group, json!({"displayName": "Others", "members": users})).await;
    fixture.delete(Kind::Group, &others).await;

    let items = fixture.all_items();
    let collections: BTreeSet<&str> = items.iter().map(|item| collection(item["pk"]["S"].as_str().unwrap())).collect();
    assert_eq!(collections.into_iter().collect::<Vec<_>>(), COLLECTIONS);
    for item in items {
        assert_eq!(item["format"], json!({"N": "1"}), "{item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_of_a_newer_release_is_refused_and_keeps_nobody_else_waiting() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let bob = fixture.user("bob").await;
    fixture.make_newer("acme#user", &ann);
    assert!(matches!(fixture.get(&ann).await, Err(Error::Unavailable { .. })));
    assert_eq!(fixture.get(&bob).await, Ok(200));
    let before = fixture.all_items();
    let body = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    let all = Projection::default();
    let any = Precondition::default();
    let changed = service::patch(&fixture.context(), Kind::User, &ann, body.as_object().unwrap(), &all, &any).await;
    assert!(matches!(changed, Err(Error::Unavailable { .. })), "{changed:?}");
    let deleted = service::delete(&fixture.context(), Kind::User, &ann, &any).await;
    assert!(matches!(deleted, Err(Error::Unavailable { .. })), "{deleted:?}");
    assert_eq!(fixture.all_items(), before);
    // A list without her would say that she is not there.
    let listed = fixture.list(Parameters::default()).await;
    assert!(matches!(listed, Err(Error::Unavailable { .. })), "{listed:?}");
}
