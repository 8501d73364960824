//! The requests, headers included, that the two behaviours of Entra ID share: the older one, and the one that a
//! tenant URL with `?aadOptscim062020` selects. That flag is then in the URL of every call.

pub(crate) mod flagged;
pub(crate) mod legacy;
pub(crate) mod validator;

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, ENTERPRISE, GROUP, PATCH, USER};
use crate::connection::ClientProfile;
use crate::request::{Request, query};
use crate::target::{Target, unique};

const ENTRA: ClientProfile = ClientProfile {
    headers: &[
        ("Accept", "application/scim+json"),
        ("User-Agent", "Microsoft Azure AD SCIM provisioning 1.0.0"),
        ("Connection", "Keep-Alive"),
    ],
    content_type: "application/scim+json; charset=utf-8",
};

/// The client of one Entra tenant for one server.
pub(crate) struct Entra {
    pub(crate) scim: Client,
    flag: &'static str,
}

impl Entra {
    /// The behaviour of older jobs.
    pub(crate) fn legacy(target: &Target) -> Self {
        Self { scim: target.client().with_profile(&ENTRA), flag: "" }
    }

    /// The behaviour since 06/2020.
    pub(crate) fn flagged(target: &Target) -> Self {
        Self { scim: target.client().with_profile(&ENTRA), flag: "aadOptscim062020" }
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let parameters = query(parameters);
        let parts: Vec<&str> = [self.flag, &parameters].into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.scim.get(self.url(path, &[]))
    }

    pub(crate) fn list(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Answer {
        self.scim.get(self.url(endpoint, parameters)).expect(200)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.scim.post(self.url(path, &[]), body)
    }

    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.scim.send(&Request::new("PATCH", self.url(path, &[])).json(&body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.scim.delete(self.url(path, &[]))
    }

    /// Sends the query by the matching attribute, and returns the ids that it finds.
    pub(crate) fn matching(&self, endpoint: &str, filter: &str) -> Vec<String> {
        let found = self.list(endpoint, &[("filter", filter)]);
        found.check(found.total() == found.resources().len() as u64, "expected every match in one page");
        found.resources().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Sends the request of "Test connection": a query for a user who cannot exist.
    pub(crate) fn test_connection(&self) {
        assert!(self.matching("/Users", &format!("userName eq \"{}\"", unique("5d1a2c3e-"))).is_empty());
    }

    /// Creates a user: queries it, posts it, and queries it again.
    pub(crate) fn create_user(&self, name: &str) -> String {
        let by_name = format!("userName eq \"{name}\"");
        assert!(self.matching("/Users", &by_name).is_empty());
        let sent = user(name);
        let id = self.post("/Users", &sent).expect(201).containing(&stored(&sent)).id();
        let nickname = name.split('@').next().unwrap_or_default();
        for filter in [
            by_name,
            format!("userName eq \"{}\"", name.to_uppercase()),
            format!("externalId eq \"{nickname}\""),
            format!("emails[type eq \"work\"].value eq \"{name}\""),
            format!("id eq \"{id}\" and userName eq \"{name}\""),
        ] {
            assert_eq!(self.matching("/Users", &filter), [id.as_str()], "{filter}");
        }
        self.get(&format!("/Users/{id}")).expect(200).containing(&stored(&sent));
        id
    }

    /// Creates a group, which Entra does without members: queries it, posts it, queries it again, and reads it.
    pub(crate) fn create_group(&self, name: &str) -> String {
        assert!(self.find_group(name).is_none());
        let external = unique("8aa1-");
        let id = self.post("/Groups", &group(name, &external)).expect(201).id();
        assert_eq!(self.find_group(&name.to_uppercase()), Some(id.clone()));
        let found = self.list(
            "/Groups",
            &[("excludedAttributes", "members"), ("filter", &format!("externalId eq \"{external}\""))],
        );
        found.containing(
            &json!({ "totalResults": 1, "Resources": [{ "id": id, "externalId": external, "displayName": name }] }),
        );
        self.group_without_members(&id);
        id
    }

    pub(crate) fn find_group(&self, name: &str) -> Option<String> {
        let filter = format!("displayName eq \"{name}\"");
        let found = self.list("/Groups", &[("excludedAttributes", "members"), ("filter", &filter)]);
        found.check(found.total() < 2, "expected at most one group");
        found.resources().first().map(|group| {
            assert!(group["members"].is_null(), "expected no members, which were excluded");
            group["id"].as_str().unwrap().to_owned()
        })
    }

    pub(crate) fn group_without_members(&self, id: &str) -> Answer {
        let url = self.url(&format!("/Groups/{id}"), &[("excludedAttributes", "members")]);
        self.scim.get(url).expect(200).containing(&json!({ "id": id, "members": null }))
    }

    /// Changes a group, which returns 200 or 204, and returns its members.
    pub(crate) fn change_members(&self, id: &str, operations: &Value) -> Vec<String> {
        let path = format!("/Groups/{id}");
        let answer = self.patch(&path, operations);
        let status = answer.status;
        answer.expect(status).check(status == 200 || status == 204, "expected 200 or 204");
        values(&self.get(&path).expect(200)["members"])
    }

    /// Whether the membership check of the older flow, which filters by the ids of the group and of the member,
    /// finds the group.
    pub(crate) fn is_member(&self, group: &str, user: &str) -> bool {
        let filter = format!("id eq \"{group}\" and members eq \"{user}\"");
        let found = self.list("/Groups", &[("filter", &filter), ("attributes", "id")]);
        let is_member = found.total() == 1;
        for one in found.resources() {
            assert_eq!(one["id"], group);
            assert!(one["displayName"].is_null() && one["members"].is_null(), "expected the id alone");
        }
        is_member
    }
}

/// The user that Entra posts with its default mappings. It has no password, and `roles` is empty.
pub(crate) fn user(name: &str) -> Value {
    let nickname = name.split('@').next().unwrap_or_default();
    json!({
        "schemas": [USER, ENTERPRISE], "externalId": nickname, "userName": name, "active": true,
        "displayName": "Ida Hansen", "title": "Pilot",
        "emails": [{ "primary": true, "type": "work", "value": name }], "meta": { "resourceType": "User" },
        "name": { "formatted": "Ida Hansen", "familyName": "Hansen", "givenName": "Ida" }, "roles": [],
        ENTERPRISE: { "department": "Harbour", "manager": { "value": "0c9a3e2f" } },
    })
}

/// The user that the server must return for it.
fn stored(sent: &Value) -> Value {
    let mut expected = sent.clone();
    expected["roles"] = Value::Null;
    expected
}

fn group(name: &str, external: &str) -> Value {
    json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": external, "displayName": name, "meta": { "resourceType": "Group" },
    })
}

/// A unique user principal name.
pub(crate) fn principal() -> String {
    format!("{}@corp.example", unique("ida."))
}
