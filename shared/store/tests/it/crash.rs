//! A process that changes many members dies at any of its calls to DynamoDB. Every reader then sees all of the
//! change or nothing of it, and the next writer completes it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::{Exchange, Parameters, Precondition, Projection, Query};
use schema::{Dialect, Kind, Object, ResourceId};
use serde_json::{Value, json};
use service::Context;

use crate::engine::Site;
use crate::proxy::{CrashPoint, Proxy};

pub(crate) type Ids = BTreeSet<String>;

pub(crate) fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

pub(crate) fn context(site: &Site) -> Context<'_> {
    Context::new(
        &site.directory,
        Exchange {
            caller: &site.caller,
            base_url: "https://api.example/scim/v2",
            deadline: Instant::now() + Duration::from_secs(60),
        },
    )
}

pub(crate) fn listed(ids: &Ids) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

pub(crate) async fn user(site: &Site, name: &str) -> String {
    let body = object(json!({"userName": name}));
    let reply = service::create(&context(site), Kind::User, &body, &Projection::default()).await.unwrap();
    reply.body.unwrap()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn group(site: &Site, name: &str, members: &Ids) -> String {
    let body = object(json!({"displayName": name, "members": listed(members)}));
    let reply = service::create(&context(site), Kind::Group, &body, &Projection::default()).await.unwrap();
    reply.body.unwrap()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn patch(site: &Site, id: &str, operations: Value) -> bool {
    let body = object(json!({"Operations": operations}));
    let (projection, precondition) = (Projection::default(), Precondition::new(None, None));
    service::patch(&context(site), Kind::Group, id, &body, &projection, &precondition).await.is_ok()
}

/// The members that a reader sees.
pub(crate) async fn members(site: &Site, id: &str) -> Ids {
    let none = Precondition::new(None, None);
    let reply = service::get(&context(site), Kind::Group, id, &Projection::default(), &none).await.unwrap();
    let members = reply.body.unwrap().get("members").cloned().unwrap_or_default();
    members.as_array().into_iter().flatten().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

/// Whether a reader finds the group by one of its members.
async fn is_found_by(site: &Site, member: &str, name: &str) -> bool {
    let filter = Some(format!("members.value eq \"{member}\" and displayName eq \"{name}\""));
    let parameters = Parameters { filter, ..Parameters::default() };
    let query = Query::parse(&[Kind::Group], parameters, &Dialect::lenient()).unwrap();
    let reply = service::list(&context(site), &query).await.unwrap();
    reply.body.unwrap()["totalResults"] == 1
}

/// The operation that changes the members from `before` to `after`.
#[derive(Clone, Copy, Debug)]
enum MemberOperation {
    Patch,
    Replace,
}

async fn change(site: &Site, way: MemberOperation, id: &str, name: &str, before: &Ids, after: &Ids) -> bool {
    match way {
        MemberOperation::Patch => {
            let add: Ids = after.difference(before).cloned().collect();
            let remove: Ids = before.difference(after).cloned().collect();
            let remove = json!({"op": "remove", "path": "members", "value": listed(&remove)});
            patch(site, id, json!([remove, {"op": "add", "path": "members", "value": listed(&add)}])).await
        }
        MemberOperation::Replace => {
            let body = object(json!({"displayName": name, "members": listed(after)}));
            let (projection, precondition) = (Projection::default(), Precondition::new(None, None));
            service::replace(&context(site), Kind::Group, id, &body, &projection, &precondition).await.is_ok()
        }
    }
}

struct Stage {
    site: Site,
    before: Ids,
    after: Ids,
    /// The member that is added after the crash.
    late: String,
}

impl Stage {
    async fn new() -> Self {
        let site = Site::new().await;
        let mut people = Vec::new();
        for n in 0..61 {
            people.push(user(&site, &format!("user-{n}")).await);
        }
        let some = |range: std::ops::Range<usize>| people[range].iter().cloned().collect();
        Self { before: some(0..20), after: some(10..60), late: people[60].clone(), site }
    }

    /// Runs one change up to the crash. Returns the number of calls, and whether the change happened.
    async fn play(
        &self,
        way: MemberOperation,
        name: &str,
        death: Option<(usize, CrashPoint)>,
        settle_first: bool,
    ) -> (usize, bool) {
        let id = group(&self.site, name, &self.before).await;
        let proxy = Proxy::before_death(death).await;
        let dying = Site::at(&proxy.url, &self.site.table).await;
        let answered = change(&dying, way, &id, name, &self.before, &self.after).await;
        let calls = proxy.made();
        let seen = self.look(&id, name).await;
        assert!(seen || !answered, "{name}: a confirmed change is visible");
        let resource = ResourceId::parse(&id).unwrap();
        if settle_first {
            self.watch_settling(&resource, &id, name, seen).await;
        }
        let late = json!([{"op": "add", "path": "members", "value": [{"value": self.late}]}]);
        assert!(patch(&self.site, &id, late).await, "{name}: the next writer succeeds");
        let mut expected = if seen { self.after.clone() } else { self.before.clone() };
        expected.insert(self.late.clone());
        for _ in 0..2 {
            assert_eq!(members(&self.site, &id).await, expected, "{name}: the members stay as they are");
            self.site.finish_all().await;
        }
        self.check_edges(&resource, &expected).await;
        (calls, seen)
    }

    /// Whether the change is visible, which every kind of read has to agree on.
    async fn look(&self, id: &str, name: &str) -> bool {
        let members = members(&self.site, id).await;
        let is_new = members == self.after;
        assert!(
            is_new || members == self.before,
            "{name}: a reader sees the old or the new members, not {} of both",
            members.len()
        );
        let (gone, came) = (self.before.first().unwrap(), self.after.last().unwrap());
        assert_eq!(is_found_by(&self.site, gone, name).await, !is_new, "{name}");
        assert_eq!(is_found_by(&self.site, came, name).await, is_new, "{name}");
        is_new
    }

    async fn watch_settling(&self, resource: &ResourceId, id: &str, name: &str, seen: bool) {
        let settling = self.site.settle(resource);
        tokio::pin!(settling);
        loop {
            tokio::select! {
                settled = &mut settling => {
                    settled.unwrap();
                    return;
                }
                again = self.look(id, name) => assert_eq!(again, seen, "{name}: what a reader sees stays the same"),
            }
        }
    }

    async fn check_edges(&self, group: &ResourceId, expected: &Ids) {
        let edges: Ids = self.site.member_ids(group).await.iter().map(ToString::to_string).collect();
        assert_eq!(edges, *expected);
        for id in self.before.union(&self.after) {
            let groups = self.site.groups_of(&ResourceId::parse(id).unwrap()).await;
            assert_eq!(groups.contains(group), expected.contains(id));
        }
        let key = aws_sdk_dynamodb::types::AttributeValue::S(group.to_string());
        assert!(self.site.pending_items().await.iter().all(|item| item["sk"] != key));
        assert_eq!(self.site.open_chunks().await, 0, "no chunk is left that no change finishes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_change_interrupted_at_any_call_is_seen_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let mut points = 0;
    for way in [MemberOperation::Patch, MemberOperation::Replace] {
        let (calls, seen) = stage.play(way, &format!("{way:?} alive"), None, false).await;
        assert!(seen && calls > 8, "{calls}");
        let (mut old, mut new) = (0, 0);
        for call in 0..calls {
            for death in [CrashPoint::Before, CrashPoint::After] {
                let name = format!("{way:?} {call} {death:?}");
                let play = stage.play(way, &name, Some((call, death)), call % 2 == 0);
                let (_, seen) =
                    tokio::time::timeout(Duration::from_secs(60), play).await.expect("the change ends in time");
                *if seen { &mut new } else { &mut old } += 1;
                points += 1;
            }
        }
        println!(
            "{way:?}: a death before and after each of {calls} calls; {old} times the old members, {new} times the \
             new ones"
        );
        assert!(old > 0 && new > 0);
    }
    println!("crash injection: {points} deaths");
}
