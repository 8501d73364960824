//! Many who change one group at once: all of them succeed, and the outcome is that of some order of theirs. On a busy machine some
//! may be put off, and come again, as identity providers do.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, unique};

type Ids = BTreeSet<String>;

fn users(scim: &Client, count: usize) -> Vec<String> {
    let user = |number| {
        let data = json!({ "userName": unique("crowd") });
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("{number}"), "data": data })
    };
    let operations: Vec<Value> = (0..count).map(user).collect();
    let answer = crate::bulk::send(scim, &Value::Array(operations)).expect(200);
    let location = |report: &Value| report["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    answer["Operations"].as_array().unwrap().iter().map(location).collect()
}

fn listed(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}

fn group(scim: &Client, members: &[String]) -> String {
    let body = json!({ "displayName": unique("Crowd "), "members": listed(members) });
    format!("/Groups/{}", scim.post("/Groups", &body).expect(201).id())
}

fn members(scim: &Client, path: &str) -> Ids {
    let members = scim.get(path).expect(200)["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

fn add(ids: &[String]) -> Value {
    json!([{ "op": "add", "path": "members", "value": listed(ids) }])
}

#[test]
fn a_hundred_who_add_a_member_each_all_succeed() {
    let server = Server::start();
    let scim = server.client();
    let ids = users(&scim, 100);
    let path = group(&scim, &[]);
    thread::scope(|scope| {
        for id in &ids {
            let (scim, path) = (server.client().patient(true), &path);
            scope.spawn(move || scim.patch(path, &add(std::slice::from_ref(id))).expect(200));
        }
    });
    assert_eq!(members(&scim, &path), ids.into_iter().collect());
}

#[test]
fn large_and_small_changes_at_once_come_to_some_order_of_theirs() {
    let server = Server::start();
    let scim = server.client();
    let ids = users(&scim, 120);
    let (one, other, late) = (&ids[..60], &ids[40..119], &ids[119..]);
    for _ in 0..5 {
        let path = group(&scim, &ids[..10]);
        let replace = |ids: &[String]| json!([{ "op": "replace", "path": "members", "value": listed(ids) }]);
        let changes = [replace(one), replace(other), add(late)];
        thread::scope(|scope| {
            for change in &changes {
                let (scim, path) = (server.client().patient(true), &path);
                scope.spawn(move || scim.patch(path, change).expect(200));
            }
        });
        let set = |ids: &[String]| ids.iter().cloned().collect::<Ids>();
        let found = members(&scim, &path);
        let with_late = |ids: &[String]| set(&[ids, late].concat());
        let orders = [set(one), set(other), with_late(one), with_late(other)];
        assert!(orders.contains(&found), "a mix of {} members", found.len());
    }
}

/// Whoever is deleted is in no group, whether it was added before, meanwhile or too late.
#[test]
fn adds_against_the_delete_of_the_same_user() {
    let server = Server::start();
    let scim = server.client();
    let ids = users(&scim, 60);
    let path = group(&scim, &[]);
    for victim in &ids[50..] {
        let large: Vec<String> = ids[..40].iter().chain([victim]).cloned().collect();
        let changes = [add(std::slice::from_ref(victim)), add(&large)];
        thread::scope(|scope| {
            for change in &changes {
                let (scim, path) = (server.client().patient(true), &path);
                scope.spawn(move || scim.patch(path, change).expect(200));
            }
            let scim = server.client().patient(true);
            scope.spawn(move || scim.delete(format!("/Users/{victim}")).expect(204));
        });
        assert!(!members(&scim, &path).contains(victim));
        scim.get(format!("/Users/{victim}")).expect(404);
    }
    assert_eq!(members(&scim, &path), ids[..40].iter().cloned().collect());
}
