//! The requests, headers included, that the two kinds of app of Okta share. A catalog app comes from the Okta
//! Integration Network (OIN), a custom app from the App Integration Wizard (AIW).

pub(crate) mod catalog_app;
pub(crate) mod connection;
pub(crate) mod custom_app;
pub(crate) mod import;
pub(crate) mod recordings;

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, GROUP, USER};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

/// Okta sends `Content-Type` only with a body.
const OKTA: ClientProfile = ClientProfile {
    headers: &[
        ("Accept", "application/scim+json"),
        ("Accept-Charset", "utf-8"),
        ("Accept-Encoding", "gzip,deflate"),
        ("User-Agent", "Okta SCIM Client 1.0.0"),
        ("Connection", "Keep-Alive"),
    ],
    content_type: "application/scim+json; charset=utf-8",
};

/// The client of one Okta org for one server.
pub struct Okta {
    pub scim: Client,
}

impl Okta {
    pub fn of(target: &Target) -> Self {
        Self { scim: target.client().with_profile(&OKTA) }
    }

    /// Sends the existence check before a create or a link, and returns the user of that name, if there is one.
    pub fn user(&self, name: &str) -> Option<Value> {
        self.look_up("/Users", "userName", name)
    }

    /// Sends the existence check before a group is pushed or linked, and returns the group of that name, if there
    /// is one.
    pub fn group(&self, name: &str) -> Option<Value> {
        self.look_up("/Groups", "displayName", name)
    }

    fn look_up(&self, endpoint: &str, attribute: &str, name: &str) -> Option<Value> {
        let filter = format!("{attribute} eq \"{name}\"");
        let found = self.scim.list(endpoint, &[("filter", &filter), ("startIndex", "1"), ("count", "100")]).expect(200);
        let total = found.total();
        found.check(total <= 1, "expected at most one resource");
        found.check(
            found["startIndex"] == 1 && found["itemsPerPage"] == total,
            "expected startIndex and itemsPerPage as integers",
        );
        found.check(found.resources().len() as u64 == total, "expected as many Resources as totalResults");
        found.resources().first().cloned()
    }

    /// Assigns a user whom the server does not know: sends the existence check and then the POST.
    pub fn assign(&self, name: &str) -> Answer {
        assert_eq!(self.user(name), None, "expected no {name}");
        self.scim.post("/Users", &profile(name)).expect(201)
    }

    /// Assigns several users, and returns their ids.
    pub fn assign_some(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.assign(&unique_user()).id()).collect()
    }

    /// Sends a GET, and then a PUT of the whole resource with `changes`.
    pub fn get_and_put(&self, id: &str, changes: &Value) -> Answer {
        let path = format!("/Users/{id}");
        let mut merged = self.scim.get(&path).expect(200).body;
        for (name, value) in changes.as_object().unwrap() {
            merged[name.as_str()] = value.clone();
        }
        self.scim.put(path, &merged).expect(200)
    }

    /// Creates a group without members, and returns its id.
    pub fn create_group(&self, name: &str) -> String {
        self.scim.post("/Groups", &group(name, &json!([]))).expect(201).id()
    }

    /// The ids of a group's members, sorted.
    pub fn members(&self, group: &str) -> Vec<String> {
        values(&self.scim.get(format!("/Groups/{group}")).expect(200)["members"])
    }

    /// The ids of a user's groups, sorted.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        values(&self.scim.get(format!("/Users/{user}")).expect(200)["groups"])
    }
}

pub fn unique_user() -> String {
    format!("{}@okta.example", unique("test.user"))
}

/// The user that Okta posts if only the required attributes are mapped. Okta always sends a password, which is a
/// random placeholder.
pub fn profile(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Testa", "familyName": "Userova" },
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "displayName": "Testa Userova",
        "locale": "en-US",
        "externalId": format!("00u{name}"),
        "groups": [],
        "password": "8Q!placeholder",
        "active": true,
    })
}

pub fn group(name: &str, members: &Value) -> Value {
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

/// A member as Okta sends it: with `value` and `display`, and never with `type` or `$ref`.
pub fn member(id: &str) -> Value {
    json!({ "value": id, "display": format!("{id}@okta.example") })
}

pub fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}
