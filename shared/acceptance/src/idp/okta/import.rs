//! Okta's import reads pages of 100 until `startIndex` passes `totalResults`. Okta deactivates the users who are
//! missing from them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::idp::okta::{Okta, group, member, profile};
use crate::parallel;
use crate::target::{Target, unique};

checks![
    import_returns_every_user,
    import_returns_every_user_once_in_full_pages_and_one_order: EmptyDirectory,
    import_of_groups_returns_their_members,
];

const USERS: usize = 250;

/// Pages through a list as Okta does, until `startIndex` passes `totalResults`. Checks every page, and returns all
/// resources and the length of each page.
fn import(okta: &Okta, endpoint: &str) -> (Vec<Value>, Vec<usize>) {
    let mut all = Vec::new();
    let mut lengths = Vec::new();
    let mut start = 1_u64;
    loop {
        let page = page(okta, endpoint, start);
        lengths.push(page.resources().len());
        all.extend_from_slice(page.resources());
        start += 100;
        if start > page.total() {
            return (all, lengths);
        }
    }
}

fn page(okta: &Okta, endpoint: &str, start: u64) -> Answer {
    let page = okta.scim.get(format!("{endpoint}?startIndex={start}&count=100")).expect(200);
    page.check(page["startIndex"].as_u64() == Some(start), "expected startIndex echoed as an integer");
    let length = page.resources().len() as u64;
    page.check(page["itemsPerPage"].as_u64() == Some(length), "expected itemsPerPage to be the number of Resources");
    page
}

fn create_users(okta: &Okta) -> Vec<String> {
    let tag = unique("import");
    let names: Vec<String> = (0..USERS).map(|number| format!("{tag}-{number:03}@okta.example")).collect();
    let scim = &okta.scim;
    let create = |names: &[String]| names.iter().for_each(|name| drop(scim.post("/Users", &profile(name)).expect(201)));
    parallel::run(names.chunks(USERS.div_ceil(4)).map(|some| move || create(some)).collect());
    names
}

fn import_returns_every_user(target: &Target) {
    let okta = Okta::of(target);
    let names = create_users(&okta);
    let (all, _) = import(&okta, "/Users");
    let times = times_by_name(&all);
    for name in &names {
        assert!(times.contains_key(name.as_str()), "{name} is missing");
    }
}

/// How often each user was returned. That may be more than once if other checks page through the directory with the
/// same token.
fn times_by_name(all: &[Value]) -> HashMap<&str, usize> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for user in all {
        *times.entry(user["userName"].as_str().unwrap()).or_default() += 1;
        assert!(user["id"].is_string() && user["active"].is_boolean(), "{user:#}");
    }
    times
}

fn import_returns_every_user_once_in_full_pages_and_one_order(target: &Target) {
    let okta = Okta::of(target);
    let names = create_users(&okta);
    let (all, lengths) = import(&okta, "/Users");
    let times = times_by_name(&all);
    for name in &names {
        assert_eq!(times.get(name.as_str()), Some(&1), "{name}");
    }
    assert_eq!(lengths, [100, 100, 50]);
    for endpoint in ["/Users", "/Groups"] {
        let past_the_end = page(&okta, endpoint, 301);
        past_the_end.check(past_the_end.resources().is_empty(), "expected an empty page past the end");
    }
    let (again, _) = import(&okta, "/Users");
    assert_eq!(all, again, "expected the same order in a second import");
}

fn import_of_groups_returns_their_members(target: &Target) {
    let okta = Okta::of(target);
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
        assert_eq!(crate::answer::values(&ours[0]["members"]).len(), count, "{:#}", ours[0]);
    }
}
