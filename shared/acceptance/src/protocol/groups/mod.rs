//! Creates groups and reads their members, for the checks of groups (RFC 7643 §4.2).

pub(crate) mod large;
pub(crate) mod members;

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::Client;
use crate::target::unique;

pub(crate) fn users(scim: &Client, count: usize) -> Vec<String> {
    (0..count).map(|_| scim.post("/Users", &json!({ "userName": unique("member") })).expect(201).id()).collect()
}

fn members(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "value": id, "display": format!("called {id}") })).collect()
}

pub(crate) fn group(scim: &Client, ids: &[String]) -> String {
    let name = unique("Group ");
    scim.post("/Groups", &json!({ "displayName": name, "members": members(ids) })).expect(201).id()
}

fn members_of(scim: &Client, id: &str) -> Vec<String> {
    values(&scim.get(format!("/Groups/{id}")).expect(200)["members"])
}
