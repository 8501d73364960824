//! The requests of rauthy, headers and URLs included.

use serde_json::{Value, json};

use super::directory::{Group, User};
use crate::answer::Answer;
use crate::client::Client;
use crate::connection::ClientProfile;
use crate::request::Request;
use crate::target::Target;

/// Searches with a filter and deletes send another `Accept`: see `ANYTHING`.
const RAUTHY: ClientProfile = ClientProfile {
    headers: &[("Accept", "application/scim+json"), ("User-Agent", "Rauthy Client v0.36.0"), ("Accept-Encoding", "br")],
    content_type: "application/scim+json",
};

/// The header `Accept` of searches with a filter and of deletes.
const ANYTHING: (&str, &str) = ("Accept", "*/*");

/// The number of groups on a page.
const PAGE: usize = 100;

/// rauthy's client of one server.
#[derive(Debug)]
pub(super) struct RauthyClient {
    pub(super) scim: Client,
}

impl RauthyClient {
    pub(super) fn of(target: &Target) -> Self {
        Self { scim: target.client().with_profile(&RAUTHY) }
    }

    /// Lists all groups in pages of 100, until a page is shorter.
    pub(super) fn list_groups(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for start in (1..).step_by(PAGE) {
            let page = readable(self.scim.get(format!("/Groups?startIndex={start}&count={PAGE}")).expect(200));
            all.extend_from_slice(page.resources());
            if page.resources().len() < PAGE {
                break;
            }
        }
        all
    }

    /// Searches for a group by its external id, and then by its name.
    pub(super) fn find_group(&self, group: &Group) -> Option<Value> {
        let found = self.search("/Groups", "externalId", &group.id);
        found
            .or_else(|| self.search("/Groups", "displayName", &group.name))
            .inspect(|found| check_owner(found, &group.id))
    }

    /// Searches for a user by the external id, and then by the name.
    pub(super) fn find_user(&self, user: &User) -> Option<Value> {
        let found = self.search("/Users", "externalId", &user.id);
        found.or_else(|| self.search("/Users", "userName", &user.email)).inspect(|found| check_owner(found, &user.id))
    }

    fn search(&self, endpoint: &str, attribute: &str, value: &str) -> Option<Value> {
        readable(self.send_search(endpoint, attribute, value).expect(200)).resources().first().cloned()
    }

    /// Sends a search whose filter contains a value that is not encoded. The text after a `#` is the fragment of the
    /// URL, which no client sends.
    pub(super) fn send_search(&self, endpoint: &str, attribute: &str, value: &str) -> Answer {
        let path = format!("{endpoint}?filter={attribute}%20eq%20%22{}%22", as_url(value));
        let end = path.find('#').unwrap_or(path.len());
        self.scim.send(&Request::new("GET", path.split_at(end).0).header(ANYTHING.0, ANYTHING.1))
    }

    /// Creates a group, whose external id rauthy reads from the answer.
    pub(super) fn create_group(&self, group: &Group) -> Value {
        let created = self.scim.post("/Groups", &group.resource()).expect(201);
        created.containing(&json!({ "externalId": group.id })).body
    }

    /// Renames a group and links it, or unlinks it.
    pub(super) fn update_group(&self, id: &str, group: &Group, is_linked: bool) {
        let value = json!({ "displayName": group.name, "externalId": is_linked.then_some(&group.id) });
        self.scim.patch(format!("/Groups/{id}"), &json!([{ "op": "replace", "value": value }])).expect(200);
    }

    pub(super) fn add_member(&self, group: &str, user: &str, email: &str) {
        let members = json!([{ "value": user, "display": email }]);
        let operations = json!([{ "op": "add", "path": "members", "value": members }]);
        self.scim.patch(format!("/Groups/{group}"), &operations).expect(200);
    }

    pub(super) fn remove_member(&self, group: &str, user: &str) {
        let operations = json!([{ "op": "remove", "path": "members", "value": [{ "value": user }] }]);
        self.scim.patch(format!("/Groups/{group}"), &operations).expect(200);
    }

    /// Creates a user, or replaces the user with the given id, and returns the answer, whose `groups` rauthy reads.
    pub(super) fn send_user(&self, id: Option<&str>, mut resource: Value) -> Value {
        let Some(id) = id else { return self.scim.post("/Users", &resource).expect(201).body };
        resource["id"] = json!(id);
        self.scim.put(format!("/Users/{id}"), &resource).expect(200).body
    }

    pub(super) fn delete(&self, endpoint: &str, found: &Value) {
        let path = format!("{endpoint}/{}", found["id"].as_str().unwrap());
        self.scim.send(&Request::new("DELETE", path).header(ANYTHING.0, ANYTHING.1)).expect(204);
    }
}

/// Checks the members of a list that rauthy reads.
#[track_caller]
fn readable(list: Answer) -> Answer {
    for name in ["totalResults", "startIndex", "itemsPerPage"] {
        list.check(list[name].is_u64(), &format!("expected {name} as an integer"));
    }
    list
}

/// Checks that a resource is not linked to something else.
#[track_caller]
fn check_owner(found: &Value, id: &str) {
    let external_id = &found["externalId"];
    assert!(external_id.is_null() || external_id == id, "expected {found:#} to be linked to {id} or unlinked");
}

/// Encodes a text as rauthy's HTTP client does with the query of a URL: it encodes only what a query may not contain
/// and the apostrophe, and leaves signs with a meaning, such as `+`, `&` and `%`, as they are.
fn as_url(text: &str) -> String {
    let encode = |byte: u8| match byte {
        0..=b' ' | b'"' | b'\'' | b'<' | b'>' | 127.. => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    text.bytes().map(encode).collect()
}
