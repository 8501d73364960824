//! The users and groups that rauthy holds, and the resources that it makes of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::client::{GROUP, USER};
use crate::target::unique;

/// A group of rauthy.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// rauthy's own id, which it sends as `externalId`.
    pub(super) id: String,
    pub(super) name: String,
}

/// A user of rauthy.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// rauthy's own id, which it sends as `externalId`.
    pub(super) id: String,
    pub(super) email: String,
    pub(super) given_name: String,
    pub(super) family_name: Option<String>,
    pub(super) is_enabled: bool,
    pub(super) roles: Vec<String>,
    /// The names of the user's groups.
    pub(super) groups: BTreeSet<String>,
    pub(super) phone: Option<String>,
    /// Which of the user's data the last request contained.
    pub(super) last_sent: Extent,
}

/// How much of a user rauthy sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// A full synchronization sends everything.
    Everything,
    /// The update of a single user lacks the phone number, the address and the time zone, so it deletes them.
    WithoutContact,
}

impl Group {
    pub(super) fn new(name: String) -> Self {
        Self { id: unique("rg"), name }
    }

    /// The body of a POST.
    pub(super) fn resource(&self) -> Value {
        json!({ "schemas": [GROUP], "externalId": self.id, "displayName": self.name })
    }
}

impl User {
    pub(super) fn new(email: String) -> Self {
        Self {
            id: unique("ru"),
            email,
            given_name: "Ada".to_owned(),
            family_name: Some("Lovelace".to_owned()),
            is_enabled: true,
            roles: Vec::new(),
            groups: BTreeSet::new(),
            phone: None,
            last_sent: Extent::WithoutContact,
        }
    }

    /// The body of a POST or PUT. A user without a family name has an empty one, and a user who is to be unlinked
    /// has a null `externalId`.
    pub(super) fn resource(&self, is_linked: bool, extent: Extent) -> Value {
        let roles: Vec<Value> = self.roles.iter().map(|role| json!({ "value": role })).collect();
        let mut resource = json!({
            "schemas": [USER], "externalId": is_linked.then_some(&self.id), "userName": self.email,
            "name": { "familyName": self.family_name.as_deref().unwrap_or_default(), "givenName": self.given_name },
            "displayName": self.email, "preferredLanguage": "en", "locale": "en", "active": self.is_enabled,
            "emails": [{ "value": self.email, "primary": true }], "roles": roles,
            "custom": { "department": "Engines", "floor": 3 },
        });
        if extent == Extent::Everything {
            resource.as_object_mut().unwrap().extend(self.contact());
        }
        resource
    }

    /// The attributes that only a full synchronization sends.
    fn contact(&self) -> Map<String, Value> {
        let Some(phone) = &self.phone else { return Map::new() };
        let contact = json!({
            "timezone": "Europe/London", "phoneNumbers": [{ "value": phone, "primary": true }],
            "addresses": [{ "streetAddress": "12 St James's Square", "locality": "London", "postalCode": "77123", "country": "GB" }],
        });
        contact.as_object().unwrap().clone()
    }

    /// The content of the server after the last request, in the sense of `answer::contains`. The server stores
    /// neither the empty strings and lists nor the attribute `custom`, which no schema has.
    pub(super) fn expected(&self, is_linked: bool) -> Value {
        let mut expected = json!({ "timezone": null, "phoneNumbers": null, "addresses": null });
        let sent = self.resource(is_linked, self.last_sent);
        expected.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
        expected["custom"] = Value::Null;
        if self.family_name.is_none() {
            expected["name"]["familyName"] = Value::Null;
        }
        if self.roles.is_empty() {
            expected["roles"] = Value::Null;
        }
        expected
    }
}
