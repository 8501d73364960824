//! Acknowledged changes are durable: a server that was killed and started again on the same data has every user
//! that it acknowledged, and has it once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::server::{Data, Server};
use acceptance::client::Client;
use acceptance::request::Request;
use acceptance::unique;

const BEFORE: usize = 100;
const WRITERS: usize = 4;

/// Creates users until the server is killed, and returns the users that it acknowledged with 201.
fn create_until_killed(scim: &Client, tag: &str, killed: &AtomicBool) -> Vec<(String, String)> {
    let mut answered = Vec::new();
    for number in 0.. {
        let name = format!("{tag}-{number}");
        let request = Request::new("POST", "/Users").json(&json!({ "userName": name }));
        match scim.try_send(&request) {
            Ok(answer) => answered.push((name, answer.expect(201).id())),
            Err(error) => {
                assert!(killed.load(Ordering::SeqCst), "the server answers until it is killed: {error}");
                return answered;
            }
        }
    }
    unreachable!("the range of numbers has no end")
}

#[test]
fn killed_server_keeps_acknowledged_users() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("directory.db");
    let tenant = unique("t");
    let mut server = Server::start(&Data::File(&data), &tenant);
    let scim = server.client();
    let create = |number: usize| {
        let name = format!("before-{number}@okta.example");
        let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
        (name, id)
    };
    let mut answered: Vec<(String, String)> = (0..BEFORE).map(create).collect();

    let killed = AtomicBool::new(false);
    let tags: Vec<String> = (0..WRITERS).map(|writer| format!("during-{writer}")).collect();
    thread::scope(|scope| {
        let writers: Vec<_> = tags.iter().map(|tag| scope.spawn(|| create_until_killed(&scim, tag, &killed))).collect();
        thread::sleep(Duration::from_millis(500));
        killed.store(true, Ordering::SeqCst);
        server.kill();
        for writer in writers {
            answered.extend(writer.join().expect("the writer does not panic"));
        }
    });
    assert!(answered.len() > BEFORE, "the server acknowledged users before it was killed");
    let old_token = server.token().to_owned();
    drop(server);

    let server = Server::start(&Data::File(&data), &tenant);
    let scim = server.client();
    for (name, id) in &answered {
        scim.get(format!("/Users/{id}")).expect(200).containing(&json!({ "userName": name, "active": true }));
        let found = scim.find("/Users", &format!("userName eq \"{name}\""));
        assert_eq!(found.len(), 1, "a search for {name} finds {} users", found.len());
        assert_eq!(found[0]["id"], id.as_str());
        scim.post("/Users", &json!({ "userName": name })).expect_error(409, "uniqueness", &[]);
    }
    let everybody = scim.get("/Users?count=0").expect(200).total();
    let unanswered = everybody - answered.len() as u64;
    assert!(
        unanswered <= WRITERS as u64,
        "{unanswered} users were not acknowledged, which is more than were in flight"
    );
    let listed = scim.find("/Users", "userName pr").len() as u64;
    assert_eq!(listed, everybody.min(1_000), "the total is the number of users");

    let old = format!("Bearer {old_token}");
    scim.with_authorization(Some(&old)).get("/Users?count=1").expect(200);
}

#[test]
fn user_of_another_tenant_returns_the_same_404_as_garbage() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("directory.db");
    let name = unique("someone");
    let theirs = {
        let server = Server::start(&Data::File(&data), &unique("theirs"));
        server.client().post("/Users", &json!({ "userName": name })).expect(201).id()
    };

    let server = Server::start(&Data::File(&data), &unique("ours"));
    let scim = server.client();
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    let deleted = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    scim.delete(format!("/Users/{deleted}")).expect(204);
    let change = json!({ "userName": name });
    let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
    let absent = |id: &str| {
        let path = format!("/Users/{id}");
        let answers = [scim.get(&path), scim.put(&path, &change), scim.patch(&path, &operations), scim.delete(&path)];
        answers.map(|answer| answer.expect_error(404, "", &[]).text)
    };
    let foreign = absent(&theirs);
    assert_eq!(foreign, absent(&deleted));
    assert_eq!(foreign, absent("garbage"));
    let group = json!({ "displayName": unique("crew "), "members": [{ "value": theirs }] });
    let group = scim.post("/Groups", &group).expect(201);
    group.check(group["members"].is_null(), "expected no member of another tenant");
}
