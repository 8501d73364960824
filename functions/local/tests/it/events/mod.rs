//! The events that an application receives: `local` writes to a file the events that it would publish on an event
//! bus.

mod replay;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::events_in;

use crate::events::replay::rebuilds;
use crate::server::{Data, Server};
use acceptance::client::Client;
use acceptance::idp::okta::{Okta, member, profile, unique_user};
use acceptance::request::Request;
use acceptance::retry::repeat_if_deferred;
use acceptance::unique;

const WRITERS: usize = 4;

/// Waits until the file contains `count` events, waits a little for unexpected ones, and returns all of them.
fn events(file: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(30);
    while events_in(file).len() < count && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(200));
    events_in(file)
}

/// The name, the resource and the version of an event.
fn summary(event: &Value) -> (String, String, Option<String>) {
    let claims = &event["detail"];
    let payload = claims["events"].as_object().unwrap().values().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&event["detail-type"]), text(&claims["sub_id"]["uri"]), payload["version"].as_str().map(str::to_owned))
}

#[test]
fn okta_session_publishes_each_change_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let server = Server::with_events_file(&Data::Memory, &unique("t"), &file, false);
    let okta = Okta::of(&server.target());
    let (name, other) = (unique_user(), unique_user());
    let ada = okta.assign(&name).id();
    let bob = okta.assign(&other).id();
    let user = |id: &str| format!("/Users/{id}");
    okta.get_and_put(&ada, &json!({ "title": "Dr" }));
    okta.get_and_put(&ada, &json!({}));
    let turn = |to: bool| json!([{ "op": "replace", "value": { "active": to } }]);
    okta.scim.patch(user(&ada), &turn(false)).expect(200);
    okta.scim.patch(user(&ada), &turn(true)).expect(200);
    let staff = okta.create_group("Staff");
    let group = format!("/Groups/{staff}");
    let push = json!([{ "op": "add", "path": "members", "value": [member(&ada), member(&bob)] }]);
    okta.scim.patch(&group, &push).expect(200);
    okta.scim.patch(&group, &json!([{ "op": "replace", "value": { "id": staff, "displayName": "All" } }])).expect(200);
    let pull = json!([{ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }]);
    okta.scim.patch(&group, &pull).expect(200);
    okta.scim.post("/Users", &profile(&name)).expect_error(409, "uniqueness", &[]);
    okta.scim.delete(user(&ada)).expect(204);
    okta.scim.delete(&group).expect(204);

    let version = |number: u32| Some(format!("W/\"{number}\""));
    let line = |name: &str, uri: &str, version| (name.to_owned(), uri.to_owned(), version);
    let expect = [
        line("user.created", &user(&ada), version(1)),
        line("user.created", &user(&bob), version(1)),
        line("user.updated", &user(&ada), version(2)),
        line("user.updated", &user(&ada), version(3)),
        line("user.deactivated", &user(&ada), version(3)),
        line("user.updated", &user(&ada), version(4)),
        line("user.reactivated", &user(&ada), version(4)),
        line("group.created", &group, version(1)),
        line("group.members.changed", &group, version(2)),
        line("group.updated", &group, version(3)),
        line("group.members.changed", &group, version(4)),
        line("user.deleted", &user(&ada), None),
        line("group.members.changed", &group, version(5)),
        line("group.deleted", &group, None),
    ];
    let events = events(&file, expect.len());
    assert_eq!(events.iter().map(summary).collect::<Vec<_>>(), expect);
    let ids = |at: usize, claim: &str| events[at]["detail"][claim].clone();
    assert_eq!((ids(8, "added"), ids(8, "removed")), (json!([ada, bob]), json!([])));
    assert_eq!((ids(10, "removed"), ids(12, "removed")), (json!([bob]), json!([ada])));
    let text = json!(events).to_string();
    for value in ["8Q!placeholder", "okta.example", "Userova", "Staff", "Dr"] {
        assert!(!text.contains(value), "no event contains {value}");
    }
    assert_eq!(server.wait_for_line("event user.deactivated"), format!("event user.deactivated {} v3", user(&ada)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// One of several concurrent writers: it creates, changes and deletes users, and changes a group of them.
fn write(scim: &Client, tag: &str, rounds: usize, stop: &AtomicBool) {
    let mut users: Vec<String> = Vec::new();
    let send = |method, path: String, body: &Value| {
        let request = Request::new(method, path);
        let request = if body.is_null() { request } else { request.json(body) };
        scim.try_send(&request).ok().filter(|answer| answer.status < 500)
    };
    let patch = |path: String, operations: Value| send("PATCH", path, &json!({ "Operations": operations }));
    let group = json!({ "displayName": tag });
    let Some(group) = send("POST", "/Groups".to_owned(), &group) else { return };
    let group = format!("/Groups/{}", group.body["id"].as_str().unwrap_or_default());
    for round in 0..rounds {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let user = json!({ "userName": format!("{tag}-{round}"), "externalId": tag, "password": "hush-8Q!" });
        let Some(made) = send("POST", "/Users".to_owned(), &user) else { continue };
        let Some(id) = made.body["id"].as_str().map(str::to_owned) else { continue };
        patch(group.clone(), json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]));
        match round % 4 {
            0 => drop(patch(
                format!("/Users/{id}"),
                json!([{ "op": "replace", "value": { "active": false, "title": tag } }]),
            )),
            1 => drop(patch(
                group.clone(),
                json!([{ "op": "replace", "path": "displayName", "value": format!("{tag} {round}") }]),
            )),
            2 => drop(users.first().map(|first| send("DELETE", format!("/Users/{first}"), &Value::Null))),
            _ => drop(users.pop().map(|last| {
                patch(group.clone(), json!([{ "op": "remove", "path": format!("members[value eq \"{last}\"]") }]))
            })),
        }
        users.push(id);
    }
}

fn write_at_once(scim: &Client, rounds: usize, meanwhile: impl FnOnce(&AtomicBool)) {
    let tag = unique("w");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let tag = format!("{tag}-{writer}");
            let stop = &stop;
            scope.spawn(move || write(scim, &tag, rounds, stop));
        }
        meanwhile(&stop);
    });
}

#[test]
fn events_of_concurrent_writers_rebuild_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let server = Server::with_events_file(&Data::Memory, &unique("t"), &file, true);
    let scim = server.client();
    write_at_once(&scim, 25, |_| {});
    let events = rebuilds(&file, &scim);
    let kinds: std::collections::BTreeSet<_> = events.iter().map(|event| summary(event).0).collect();
    assert_eq!(kinds.len(), 7, "the writers caused events of every kind: {kinds:?}");
    assert!(!json!(events).to_string().contains("hush"));
}

/// The group has more members than one event or one change record can hold.
#[test]
fn large_change_is_published_in_numbered_events() {
    repeat_if_deferred(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.jsonl");
        let server = Server::with_events_file(&Data::Memory, &unique("t"), &file, true);
        let scim = server.client();
        let mut ids = Vec::new();
        for part in 0..2 {
            let post = |number: usize| {
                let data = json!({ "userName": format!("u{part}-{number}") });
                json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data })
            };
            let bulk = json!({ "Operations": (0..600).map(post).collect::<Vec<_>>() });
            let answer = scim.post("/Bulk", &bulk).expect(200);
            let locations = answer["Operations"].as_array().unwrap().iter().map(|it| it["location"].as_str().unwrap());
            ids.extend(locations.map(|location| location.rsplit('/').next().unwrap().to_owned()));
        }
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let group = scim.post("/Groups", &json!({ "displayName": "All", "members": members })).expect(201).id();
        scim.put(format!("/Groups/{group}"), &json!({ "displayName": "All", "members": members[..100] })).expect(200);
        let events = rebuilds(&file, &scim);
        let changes: Vec<&Value> = events.iter().filter(|event| summary(event).0 == "group.members.changed").collect();
        let numbers =
            |event: &&Value| (event["detail"]["part"].as_u64().unwrap(), event["detail"]["parts"].as_u64().unwrap());
        assert_eq!(changes.iter().map(numbers).collect::<Vec<_>>(), [(1, 2), (2, 2), (1, 2), (2, 2)]);
        assert!(changes.iter().all(|event| event.to_string().len() < 64_000));
    });
}

#[test]
fn killed_server_publishes_the_rest_and_repeats_events_by_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("directory.db");
    let file = folder.path().join("events.jsonl");
    let tenant = unique("t");
    for _ in 0..3 {
        let mut server = Server::with_events_file(&Data::File(&data), &tenant, &file, true);
        write_at_once(&server.client(), 1000, |stop| {
            thread::sleep(Duration::from_millis(700));
            server.kill();
            stop.store(true, Ordering::SeqCst);
        });
    }
    let server = Server::with_events_file(&Data::File(&data), &tenant, &file, true);
    let events = rebuilds(&file, &server.client());
    assert!(events.len() > 20, "the servers published events before they were killed");
}

/// Runs `local audit …` on the data of a stopped server, and returns the lines that it printed.
fn audit(data: &Path, tenant: &str, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(["audit", "--tenant", tenant]).args(arguments);
    match std::env::var_os("DYNAMODB_ENDPOINT") {
        Some(url) => command.arg("--dynamodb-endpoint").arg(url),
        None => command.arg("--data").arg(data),
    };
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.contains("The trail begins at 2"), "{errors}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn audit_command_prints_the_trail_of_a_user_and_of_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("directory.db");
    let tenant = unique("t");
    let server = Server::start(&Data::File(&data), &tenant);
    let okta = Okta::of(&server.target());
    let ada = okta.assign(&unique_user()).id();
    let staff = okta.create_group("Staff");
    let push = json!([{ "op": "add", "path": "members", "value": [member(&ada)] }]);
    okta.scim.patch(format!("/Groups/{staff}"), &push).expect(200);
    drop(server);

    let trail: Vec<Value> =
        audit(&data, &tenant, &["--resource", &ada]).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let what: Vec<&str> = trail.iter().map(|change| change["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["user.created", "group.updated"]);
    assert_eq!(trail[1]["membersAdded"], json!([ada]));
    assert_eq!(audit(&data, &tenant, &["--members-of", &staff]), [ada]);
    assert_eq!(audit(&data, &tenant, &["--members-of", &staff, "--at", "2026-01-01T00:00:00Z"]), [""; 0]);
}
