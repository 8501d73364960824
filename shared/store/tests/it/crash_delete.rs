//! A process that deletes a user in many groups, or a group of many members, dies at any of its calls. No group
//! then shows a deleted user, no user shows a deleted group, and the next writer deletes the edges.

use futures_util::future::join_all;
use protocol::{Precondition, Projection};
use schema::Kind;

use crate::crash::{Ids, context, group, members, patch, user};
use crate::engine::Site;
use crate::proxy::{CrashPoint, Proxy};

/// More edges than the transaction of the delete holds.
const EDGES: usize = 34;

async fn delete(site: &Site, kind: Kind, id: &str) -> bool {
    service::delete(&context(site), kind, id, &Precondition::new(None, None)).await.is_ok()
}

async fn is_there(site: &Site, kind: Kind, id: &str) -> bool {
    let none = Precondition::new(None, None);
    service::get(&context(site), kind, id, &Projection::default(), &none).await.is_ok()
}

/// The number of groups that a user shows.
async fn groups_of(site: &Site, id: &str) -> usize {
    let none = Precondition::new(None, None);
    let reply = service::get(&context(site), Kind::User, id, &Projection::default(), &none).await.unwrap();
    reply.body.unwrap().get("groups").map_or(0, |groups| groups.as_array().unwrap().len())
}

/// The first calls, and some of the many similar ones.
fn points(calls: usize) -> impl Iterator<Item = (usize, CrashPoint)> {
    let calls = (0..calls).filter(|call| *call < 12 || call % 9 == 0);
    calls.flat_map(|call| [(call, CrashPoint::Before), (call, CrashPoint::After)])
}

async fn all_edges_gone(site: &Site, collection: String) {
    assert!(site.items(&collection).await.is_empty(), "{collection}");
    assert!(site.pending_items().await.is_empty());
}

struct Groups {
    site: Site,
    ids: Vec<String>,
}

impl Groups {
    async fn play(&self, name: &str, death: Option<(usize, CrashPoint)>) -> usize {
        let id = user(&self.site, name).await;
        for group in &self.ids {
            let add = serde_json::json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
            assert!(patch(&self.site, group, add).await);
        }
        let proxy = Proxy::before_death(death).await;
        let dying = Site::at(&proxy.url, &self.site.table).await;
        let answered = delete(&dying, Kind::User, &id).await;
        let calls = proxy.made();
        let alive = is_there(&self.site, Kind::User, &id).await;
        assert!(!(alive && answered), "{name}");
        self.check(name, &id, alive).await;
        if alive {
            assert!(delete(&self.site, Kind::User, &id).await);
        } else if calls % 2 == 0 {
            assert!(!delete(&self.site, Kind::User, &id).await, "{name}: a repeated delete finds no user");
        } else {
            self.site.finish_all().await;
        }
        self.check(name, &id, false).await;
        all_edges_gone(&self.site, format!("acme#memberOf#{id}")).await;
        calls
    }

    async fn check(&self, name: &str, id: &str, alive: bool) {
        let seen: Vec<Ids> = join_all(self.ids.iter().map(|group| members(&self.site, group))).await;
        let showing = seen.iter().filter(|members| members.contains(id)).count();
        assert_eq!(showing, if alive { self.ids.len() } else { 0 }, "{name}");
        if alive {
            assert_eq!(groups_of(&self.site, id).await, self.ids.len(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_delete_interrupted_at_any_call_leaves_no_group_showing_the_user() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for n in 0..EDGES {
        ids.push(group(&site, &format!("group-{n}"), &Ids::new()).await);
    }
    let groups = Groups { site, ids };
    let calls = groups.play("alive", None).await;
    let mut deaths = 0;
    for death in points(calls) {
        groups.play(&format!("user {death:?}"), Some(death)).await;
        deaths += 1;
    }
    println!("crash injection: the delete of a user in {EDGES} groups, {calls} calls, {deaths} deaths");
}

#[tokio::test(flavor = "multi_thread")]
async fn group_delete_interrupted_at_any_call_leaves_no_member_showing_the_group() {
    let site = Site::new().await;
    let mut people = Ids::new();
    for n in 0..100 {
        people.insert(user(&site, &format!("user-{n}")).await);
    }
    let (mut deaths, mut calls) = (0, 0);
    let points = (0..16).flat_map(|call| [Some((call, CrashPoint::Before)), Some((call, CrashPoint::After))]);
    for death in std::iter::once(None).chain(points) {
        let name = format!("group {death:?}");
        let id = group(&site, &name, &people).await;
        let proxy = Proxy::before_death(death).await;
        let dying = Site::at(&proxy.url, &site.table).await;
        let answered = delete(&dying, Kind::Group, &id).await;
        calls = calls.max(proxy.made());
        let alive = is_there(&site, Kind::Group, &id).await;
        assert!(!(alive && answered), "{name}");
        let shown = if alive { 1 } else { 0 };
        for id in people.iter().step_by(33) {
            assert_eq!(groups_of(&site, id).await, shown, "{name}");
        }
        if alive {
            assert_eq!(members(&site, &id).await, people, "{name}");
            assert!(delete(&site, Kind::Group, &id).await);
        } else {
            site.finish_all().await;
        }
        all_edges_gone(&site, format!("acme#member#{id}")).await;
        for id in people.iter().step_by(33) {
            assert_eq!(groups_of(&site, id).await, 0, "{name}");
        }
        deaths += 1;
    }
    println!("crash injection: the delete of a group of 100, up to {calls} calls, {deaths} deaths");
}
