//! The tests kill the server at each DynamoDB call that a request makes, before the engine carries the call out and
//! before it responds. Other clients then see the directory as it was before the request or as it is after it, and
//! the same request, sent again, completes the change.

use std::collections::BTreeMap;
use std::time::Duration;
use std::{env, thread};

use serde_json::{Value, json};
use testkit::{FaultProxy, engine};

use crate::outage::fixture::patch;
use crate::server::{Data, Server};
use acceptance::client::Client;
use acceptance::request::Request;
use acceptance::unique;

/// More members than one transaction holds.
const MANY: usize = 35;

/// Longer than AWS usually shows a part of a transaction.
const VISIBLE: Duration = Duration::from_millis(200);

/// A small directory of a few users and a group, whose names all start with `tag`.
struct SmallDirectory {
    tag: String,
    users: Vec<String>,
    staff: String,
}

/// The name of the case, how many users it needs, and the request.
type Case = (&'static str, usize, fn(&SmallDirectory) -> Request);

const CASES: [Case; 8] = [
    ("create a user", 1, |small| Request::new("POST", "/Users").json(&json!({ "userName": small.name("new") }))),
    ("rename a user", 1, |small| {
        let value = json!({ "userName": small.name("renamed"), "title": "T" });
        patch(format!("/Users/{}", small.users[0]), &json!([{ "op": "replace", "value": value }]))
    }),
    ("delete a user", 1, |small| Request::new("DELETE", format!("/Users/{}", small.users[0]))),
    ("create a group", 2, |small| Request::new("POST", "/Groups").json(&small.group("crew", &small.users[..2]))),
    ("add a member", 2, |small| small.change("add", &small.users[1..2])),
    ("add many members", MANY, |small| small.change("add", &small.users[1..])),
    ("replace a group", MANY, |small| {
        Request::new("PUT", format!("/Groups/{}", small.staff)).json(&small.group("staff", &small.users[1..]))
    }),
    ("delete a group", 2, |small| Request::new("DELETE", format!("/Groups/{}", small.staff))),
];

impl SmallDirectory {
    fn new(scim: &Client, users: usize) -> Self {
        let tag = unique("k");
        let mut small = Self { tag, users: Vec::new(), staff: String::new() };
        for n in 0..users {
            let user = json!({ "userName": small.name(&format!("user-{n:02}")) });
            small.users.push(scim.post("/Users", &user).expect(201).id());
        }
        small.staff = scim.post("/Groups", &small.group("staff", &small.users[..1])).expect(201).id();
        small
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    fn group(&self, name: &str, members: &[String]) -> Value {
        let members: Value = members.iter().map(|id| json!({ "value": id })).collect();
        json!({ "displayName": self.name(name), "members": members })
    }

    fn change(&self, op: &str, members: &[String]) -> Request {
        let members = self.group("", members)["members"].clone();
        patch(format!("/Groups/{}", self.staff), &json!([{ "op": op, "path": "members", "value": members }]))
    }

    /// Every user by name with its groups and title, and every group by name with its members. On AWS, one request may
    /// show a change and the next one not yet: it is read until two reads agree.
    fn seen(&self, scim: &Client) -> BTreeMap<String, Vec<String>> {
        let mut seen = self.read(scim);
        if env::var_os("SCIM_AWS").is_none() {
            return seen;
        }
        loop {
            thread::sleep(VISIBLE);
            let again = self.read(scim);
            if again == seen {
                return seen;
            }
            seen = again;
        }
    }

    fn read(&self, scim: &Client) -> BTreeMap<String, Vec<String>> {
        let users = scim.find("/Users", &format!("userName sw \"{}\"", self.tag));
        let groups = scim.find("/Groups", &format!("displayName sw \"{}\"", self.tag));
        let text = |value: &Value| value.as_str().unwrap_or_default().replace(&self.tag, "");
        let names: BTreeMap<String, String> =
            users.iter().map(|user| (text(&user["id"]), text(&user["userName"]))).collect();
        let mut seen = BTreeMap::new();
        for user in &users {
            let groups = user["groups"].as_array().into_iter().flatten().map(|group| text(&group["display"]));
            seen.insert(text(&user["userName"]), groups.chain([text(&user["title"])]).collect());
        }
        for group in &groups {
            let members = group["members"].as_array().into_iter().flatten().map(|member| text(&member["value"]));
            let mut members: Vec<String> = members.map(|id| names.get(&id).cloned().unwrap_or(id)).collect();
            members.sort();
            seen.insert(text(&group["displayName"]), members);
        }
        seen
    }
}

#[test]
fn process_killed_at_any_call_leaves_no_partial_change() {
    let tenant = unique("t");
    let watcher = Server::start(&Data::At(engine()), &tenant);
    let scim = watcher.client();
    let mut deaths = (0, 0);
    for case in CASES {
        let (what, users, request) = case;
        let model = SmallDirectory::new(&scim, users);
        let before = model.seen(&scim);
        let answer = scim.send(&request(&model));
        answer.check(answer.status < 300, "expected success");
        let after = model.seen(&scim);
        assert_ne!(before, after);
        let (mut old, mut new) = (0, 0);
        for call in 0.. {
            let states: Vec<_> = [false, true]
                .map(|late| killed(&scim, &tenant, case, call, late, &after))
                .into_iter()
                .flatten()
                .collect();
            for state in &states {
                assert!(*state == before || *state == after, "{what}, killed at call {call}: {state:?}");
                *(if *state == before { &mut old } else { &mut new }) += 1;
            }
            if states.is_empty() {
                break;
            }
        }
        println!("killed: {what}: {} deaths, old {old} times, new {new} times", old + new);
        // On AWS, a request makes another number of calls each time, so that its commit may not be among those that
        // killed.
        assert!(env::var_os("SCIM_AWS").is_some() || (old > 0 && new > 0), "{what}");
        deaths = (deaths.0 + old, deaths.1 + new);
    }
    println!("killed: {} deaths", deaths.0 + deaths.1);
    assert!(deaths.0 > 0 && deaths.1 > 0);
}

/// The directory that other clients see after the server was killed at this call of its request; `None` if the
/// request makes no such call.
fn killed(
    scim: &Client,
    tenant: &str,
    (_, users, request): Case,
    call: u64,
    late: bool,
    after: &BTreeMap<String, Vec<String>>,
) -> Option<BTreeMap<String, Vec<String>>> {
    let small = SmallDirectory::new(scim, users);
    let proxy = FaultProxy::before(engine(), 1);
    let victim = Server::start(&Data::At(proxy.url()), tenant);
    let request = request(&small);
    proxy.kill_at(call, victim.process_id(), late);
    if let Ok(answer) = victim.client().try_send(&request) {
        answer.check(answer.status < 300, "expected success");
        return None;
    }
    let seen = small.seen(scim);
    let again = scim.send(&request);
    let is_done = matches!((request.method, again.status), (_, 200 | 201 | 204) | ("POST", 409) | ("DELETE", 404));
    again.check(is_done, "expected success, or an error because the change is done");
    assert_eq!(small.seen(scim), *after, "the repeated request completes the change");
    Some(seen)
}
