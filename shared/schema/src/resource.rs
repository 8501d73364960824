//! The kinds of resource and their identifiers (RFC 7643 §3.1, §4).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A resource or a complex value as JSON, with attribute names in canonical case and values as they were sent.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// A kind of resource.
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

    /// The endpoint relative to the base URL (RFC 7644 §3.2).
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

/// An identifier that this service assigned to a resource: a lower-case UUID with hyphens, so that it is safe in a
/// key of the table. It is never an `externalId`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(String);

impl ResourceId {
    /// Parses the canonical form only. Any other text that a client sends cannot be the id of a resource.
    pub fn parse(text: &str) -> Option<Self> {
        let is_canonical = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            });
        is_canonical.then(|| Self(text.to_owned()))
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
    fn only_canonical_uuid_parses_as_resource_id() {
        let id = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";
        assert_eq!(ResourceId::parse(id).unwrap().as_str(), id);
        for garbage in ["", "#", "a/b", "0191B1C8-7A60-7C3E-8A3E-0123456789AB", &id[1..], &format!("{id}#")] {
            assert!(ResourceId::parse(garbage).is_none(), "{garbage}");
        }
    }
}
