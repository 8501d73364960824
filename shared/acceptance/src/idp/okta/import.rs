//! Okta's import: pages of 100 until `startIndex` passes `totalResults`; whoever is missing from it, Okta deactivates.

use std::collections::HashMap;
use std::thread;

use serde_json::{Value, json};

use crate::okta::{Okta, group, member, profile};
use crate::server::{Server, unique};

const USERS: usize = 250;

/// Walks a list as Okta does; checks every page, and gives all resources with the length of each page.
fn import(okta: &Okta, endpoint: &str) -> (Vec<Value>, Vec<usize>) {
    let (mut all, mut lengths, mut start) = (Vec::new(), Vec::new(), 1_u64);
    loop {
        let page = okta.scim.get(format!("{endpoint}?startIndex={start}&count=100")).expect(200);
        page.check(page["startIndex"].as_u64() == Some(start), "wanted startIndex echoed as an integer");
        let here = page.resources();
        page.check(page["itemsPerPage"].as_u64() == Some(here.len() as u64), "wanted the page's true length");
        lengths.push(here.len());
        all.extend_from_slice(here);
        if start > page.total() {
            page.check(here.is_empty(), "wanted an empty page past the end");
            return (all, lengths);
        }
        start += 100;
    }
}

#[test]
fn an_import_shows_everybody_once() {
    let server = Server::start();
    let okta = Okta::of(&server);
    let tag = unique("import");
    let names: Vec<String> = (0..USERS).map(|number| format!("{tag}-{number:03}@okta.example")).collect();
    thread::scope(|scope| {
        for part in names.chunks(USERS.div_ceil(4)) {
            let scim = &okta.scim;
            scope.spawn(move || {
                for name in part {
                    scim.post("/Users", &profile(name)).expect(201);
                }
            });
        }
    });

    let (all, lengths) = import(&okta, "/Users");
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for user in &all {
        *seen.entry(user["userName"].as_str().unwrap()).or_default() += 1;
        assert!(user["id"].is_string() && user["active"].is_boolean(), "{user:#}");
    }
    for name in &names {
        assert_eq!(seen.get(name.as_str()), Some(&1), "{name}");
    }
    if server.is_own() {
        assert_eq!(lengths, [100, 100, 50, 0]);
        let (again, _) = import(&okta, "/Users");
        assert_eq!(all, again, "the order is the same on every walk");
    }
}

#[test]
fn an_import_of_groups_shows_their_members() {
    let server = Server::start();
    let okta = Okta::of(&server);
    let users = okta.assign_some(2);
    let names: Vec<String> = (0..3).map(|_| unique("Imported ")).collect();
    for (name, users) in names.iter().zip([&users[..0], &users[..1], &users[..2]]) {
        let members: Vec<Value> = users.iter().map(|id| member(id)).collect();
        okta.scim.post("/Groups", &group(name, &json!(members))).expect(201);
    }
    let (all, _) = import(&okta, "/Groups");
    for (count, name) in names.iter().enumerate() {
        let ours: Vec<&Value> = all.iter().filter(|group| group["displayName"] == name.as_str()).collect();
        assert_eq!(ours.len(), 1, "{name}");
        assert_eq!(crate::expect::values(&ours[0]["members"]).len(), count, "{:#}", ours[0]);
    }
}
