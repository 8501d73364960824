//! Users so large that one transaction does not hold as many of them as it may have actions: DynamoDB counts the whole
//! of each item that a transaction changes, and a membership changes the count of groups in the item of its member.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::{Precondition, Projection};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use service::check::{CheckQuery, check};
use store::SettleState;
use testkit::{AwsProxy, Behaviour, Engine};

use crate::engine::Site;
use crate::model::context;

/// Fourteen users of this size have more than 4 MB.
const USER_BYTES: usize = 300 * 1024;

/// A directory behind a proxy that refuses transactions of more than 4 MB.
struct LargeUsers {
    site: &'static Site,
    engine: Engine,
    proxy: AwsProxy,
    users: Vec<Value>,
}

impl LargeUsers {
    async fn new(users: usize) -> Self {
        let engine = Engine::start();
        let proxy = AwsProxy::before(&engine.url, &[Behaviour::TransactionSize, Behaviour::TornTransactions], 1);
        let site: &'static Site = Box::leak(Box::new(Site::at(proxy.url(), "large").await));
        site.directory.create_table().await.unwrap();
        let mut large = Self { site, engine, proxy, users: Vec::new() };
        for n in 0..users {
            let user = json!({ "userName": format!("user-{n}"), "nickName": "x".repeat(USER_BYTES) });
            let id = large.create(Kind::User, user).await;
            large.users.push(json!({ "value": id }));
        }
        large
    }

    async fn create(&self, kind: Kind, body: Value) -> String {
        let body = body.as_object().unwrap();
        let reply = service::create(&context(self.site), kind, body, &Projection::default()).await.unwrap();
        assert_eq!(reply.status, 201);
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn group(&self, members: &[Value]) -> String {
        self.create(Kind::Group, json!({ "displayName": "LargeUsers", "members": members })).await
    }

    async fn patch(&self, group: &str, op: &str, members: &[Value]) {
        let body = json!({ "Operations": [{ "op": op, "path": "members", "value": members }] });
        let (whole, any) = (Projection::default(), Precondition::default());
        let body = body.as_object().unwrap();
        service::patch(&context(self.site), Kind::Group, group, body, &whole, &any).await.unwrap();
    }

    async fn members(&self, group: &str) -> usize {
        let (whole, any) = (Projection::default(), Precondition::default());
        let reply = service::get(&context(self.site), Kind::Group, group, &whole, &any).await.unwrap();
        reply.body.unwrap().get("members").map_or(0, |members| members.as_array().unwrap().len())
    }

    /// Completes the pending changes. Afterwards a check of the table finds no problem.
    async fn complete(&self) {
        // Several callers do it at the same time.
        for item in self.engine.items("large", "acme#unsettled") {
            let Some(id) = ResourceId::parse(item["sk"]["S"].as_str().unwrap()) else { continue };
            let settled = join_all((0..3).map(|_| self.site.settle(&id))).await;
            assert!(settled.iter().all(|state| *state == Ok(SettleState::Done)), "{settled:?}");
        }
        self.site.finish_all().await;
        let pending = self.engine.items("large", "acme#unsettled");
        assert!(pending.iter().all(|item| item["sk"]["S"] == "last"), "{pending:?}");
        let until = Instant::now() + Duration::from_secs(60);
        let checked = check(&self.site.directory, &CheckQuery::default(), until).await.unwrap();
        assert!(checked.findings.is_empty(), "{:?}", checked.findings);
        assert!(self.proxy.count(Behaviour::TransactionSize) > 0, "no transaction was too large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn group_of_large_users_is_created_changed_and_deleted() {
    // As many members as one transaction could change, and more.
    for count in [28, 70] {
        let large = LargeUsers::new(count).await;
        let group = large.group(&large.users).await;
        assert_eq!(large.members(&group).await, count);
        large.complete().await;
        large.patch(&group, "remove", &large.users[..count - 5]).await;
        assert_eq!(large.members(&group).await, 5);
        large.patch(&group, "add", &large.users[..count - 3]).await;
        assert_eq!(large.members(&group).await, count);
        large.complete().await;
        service::delete(&context(large.site), Kind::Group, &group, &Precondition::default()).await.unwrap();
        large.complete().await;
        assert!(large.engine.items("large", &format!("acme#member#{group}")).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_user_in_many_large_groups_is_deleted() {
    let large = LargeUsers::new(1).await;
    for n in 0..20 {
        let id = format!("{n}-{}", "x".repeat(USER_BYTES));
        large
            .create(Kind::Group, json!({ "displayName": n.to_string(), "externalId": id, "members": large.users }))
            .await;
    }
    let user = large.users[0]["value"].as_str().unwrap();
    service::delete(&context(large.site), Kind::User, user, &Precondition::default()).await.unwrap();
    large.complete().await;
    assert!(large.engine.items("large", &format!("acme#memberOf#{user}")).is_empty());
}
