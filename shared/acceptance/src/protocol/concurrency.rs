//! Checks of concurrent changes of one group: all of them succeed, and the outcome is that of some serial order. A
//! busy server may defer some with 429; the client then repeats them, as identity providers do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Client, PATCH};
use crate::parallel::{self, send_all};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    hundred_concurrent_member_adds_all_succeed,
    concurrent_large_and_small_changes_are_serializable,
    concurrent_add_and_delete_leave_no_deleted_member,
];

type Ids = BTreeSet<String>;

fn users(scim: &Client, count: usize) -> Vec<String> {
    let user = |number| {
        let data = json!({ "userName": unique("crowd") });
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("{number}"), "data": data })
    };
    let operations: Vec<Value> = (0..count).map(user).collect();
    let answer = crate::protocol::bulk::send(scim, &Value::Array(operations)).expect(200);
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

fn hundred_concurrent_member_adds_all_succeed(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 100);
    let path = group(&scim, &[]);
    let patient = scim.clone().repeating(true);
    parallel::run(ids.iter().map(|id| || patient.patch(&path, &add(std::slice::from_ref(id))).expect(200)).collect());
    assert_eq!(members(&scim, &path), ids.into_iter().collect());
}

fn concurrent_large_and_small_changes_are_serializable(target: &Target) {
    let scim = target.client();
    let patient = scim.clone().repeating(true);
    let ids = users(&scim, 120);
    let one = &ids[..60];
    let other = &ids[40..119];
    let late = &ids[119..];
    for _ in 0..5 {
        let path = group(&scim, &ids[..10]);
        let replace = |ids: &[String]| json!([{ "op": "replace", "path": "members", "value": listed(ids) }]);
        let changes = [replace(one), replace(other), add(late)];
        parallel::run(changes.iter().map(|change| || patient.patch(&path, change).expect(200)).collect());
        let set = |ids: &[String]| ids.iter().cloned().collect::<Ids>();
        let found = members(&scim, &path);
        let with_late = |ids: &[String]| set(&[ids, late].concat());
        let orders = [set(one), set(other), with_late(one), with_late(other)];
        assert!(orders.contains(&found), "no serial order gives these {} members", found.len());
    }
}

/// A deleted user is a member of no group, whether it was added before, during or after the delete.
fn concurrent_add_and_delete_leave_no_deleted_member(target: &Target) {
    let scim = target.client();
    let patient = scim.clone().repeating(true);
    let ids = users(&scim, 60);
    let path = group(&scim, &[]);
    for victim in &ids[50..] {
        let large: Vec<String> = ids[..40].iter().chain([victim]).cloned().collect();
        let change = |operations: Value| {
            Request::new("PATCH", &path).json(&json!({ "schemas": [PATCH], "Operations": operations }))
        };
        let delete = Request::new("DELETE", format!("/Users/{victim}"));
        let requests = [change(add(std::slice::from_ref(victim))), change(add(&large)), delete];
        for (answer, status) in send_all(&patient, &requests).into_iter().zip([200, 200, 204]) {
            answer.expect(status);
        }
        assert!(!members(&scim, &path).contains(victim));
        scim.get(format!("/Users/{victim}")).expect(404);
    }
    assert_eq!(members(&scim, &path), ids[..40].iter().cloned().collect());
}
