//! Kinds of resource and their identifiers (RFC 7643 §3.1, §4).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A resource, or a complex value, as JSON: attribute names in their canonical case, values as they were sent.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::User, Kind::Group];

    /// The name of the resource type (RFC 7643 §6).
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    /// The endpoint, relative to the base URL (RFC 7644 §3.2).
    pub fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "/Users",
            Kind::Group => "/Groups",
        }
    }

    /// The URL of one resource.
    pub fn location(self, base_url: &str, id: &ResourceId) -> String {
        format!("{base_url}{}/{id}", self.endpoint())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An identifier that this service gave a resource: a UUID in lower case with hyphens, and nothing else, so that
/// it can stand in a key of the table. Never an `externalId`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(String);

impl ResourceId {
    /// Takes the canonical form alone; whatever else a client sends names no resource.
    pub fn parse(text: &str) -> Option<Self> {
        let shaped = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            });
        shaped.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_uuids_are_ids() {
        let id = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";
        assert_eq!(ResourceId::parse(id).unwrap().as_str(), id);
        for garbage in ["", "#", "a/b", "0191B1C8-7A60-7C3E-8A3E-0123456789AB", &id[1..], &format!("{id}#")] {
            assert!(ResourceId::parse(garbage).is_none(), "{garbage}");
        }
    }
}
