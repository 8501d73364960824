//! Reads all users and groups back from the server, and compares them with those of rauthy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::sync::{Rauthy, id_of};
use crate::answer::{contains, values};

/// The users and groups of one run at the server, by name.
#[derive(Debug, PartialEq)]
pub(super) struct ServerContent {
    pub(super) users: BTreeMap<String, Value>,
    pub(super) groups: BTreeMap<String, Value>,
}

impl ServerContent {
    /// Reads all users and groups whose names begin with that of the run. Those of others are not read.
    fn read(rauthy: &Rauthy) -> Self {
        let read = |endpoint, attribute| {
            let found = rauthy.requests.scim.find(endpoint, &format!("{attribute} sw \"{}\"", rauthy.run));
            let count = found.len();
            let name_of = |resource: &Value| resource[attribute].as_str().unwrap().to_owned();
            let by_name: BTreeMap<String, Value> = found.into_iter().map(|found| (name_of(&found), found)).collect();
            assert_eq!(by_name.len(), count, "expected each {attribute} once");
            by_name
        };
        Self { users: read("/Users", "userName"), groups: read("/Groups", "displayName") }
    }

    fn user_id(&self, email: &str) -> String {
        id_of(&self.users[email])
    }

    fn group_id(&self, name: &str) -> String {
        id_of(&self.groups[name])
    }
}

/// Checks that the server has the users and groups that rauthy has sent up to `step`, and returns those of the server.
#[track_caller]
pub(super) fn check(rauthy: &Rauthy, step: &str) -> ServerContent {
    let directory = ServerContent::read(rauthy);
    let emails: BTreeSet<&String> = rauthy.users_sent().map(|user| &user.email).collect();
    assert_eq!(directory.users.keys().collect::<BTreeSet<_>>(), emails, "the users after {step}");
    let names: BTreeSet<&String> = rauthy.groups_sent().map(|group| &group.name).collect();
    assert_eq!(directory.groups.keys().collect::<BTreeSet<_>>(), names, "the groups after {step}");
    check_users(rauthy, &directory, step);
    check_groups(rauthy, &directory, step);
    directory
}

#[track_caller]
fn check_users(rauthy: &Rauthy, directory: &ServerContent, step: &str) {
    for user in rauthy.users_sent() {
        let read = &directory.users[&user.email];
        let expected = user.expected(rauthy.links_user(user));
        assert!(contains(read, &expected), "after {step}\nexpected: {expected:#}\nread: {read:#}");
        let groups = rauthy.groups_of(user).into_iter().map(|name| (directory.group_id(&name), name));
        let groups: BTreeSet<(String, String)> = groups.collect();
        let listed = read["groups"].as_array().into_iter().flatten();
        let text = |group: &Value, name: &str| group[name].as_str().unwrap_or_default().to_owned();
        let listed: Vec<(String, String)> =
            listed.map(|group| (text(group, "value"), text(group, "display"))).collect();
        assert_eq!(listed.len(), groups.len(), "the groups of {} after {step}: {listed:?}", user.email);
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), groups, "the groups of {} after {step}", user.email);
    }
}

#[track_caller]
fn check_groups(rauthy: &Rauthy, directory: &ServerContent, step: &str) {
    for group in rauthy.groups_sent() {
        let read = &directory.groups[&group.name];
        let external_id = rauthy.links_group(&group.name).then_some(&group.id);
        let expected = json!({ "externalId": external_id });
        assert!(contains(read, &expected), "after {step}\nexpected: {expected:#}\nread: {read:#}");
        let users = rauthy.users_sent().filter(|user| rauthy.groups_of(user).contains(&group.name));
        let mut members: Vec<String> = users.map(|user| directory.user_id(&user.email)).collect();
        members.sort();
        assert_eq!(values(&read["members"]), members, "the members of {} after {step}", group.name);
    }
}
