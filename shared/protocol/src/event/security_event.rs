//! One event, a Security Event Token (RFC 8417 §2), and its type.

use jiff::Timestamp;
use schema::Object;
use serde_json::Value;

/// The type of an event. The names are defined by this product, not by an RFC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    UserCreated,
    UserUpdated,
    UserDeactivated,
    UserReactivated,
    UserDeleted,
    GroupCreated,
    GroupUpdated,
    GroupDeleted,
    GroupMembersChanged,
}

impl EventType {
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::UserCreated => "user.created",
            EventType::UserUpdated => "user.updated",
            EventType::UserDeactivated => "user.deactivated",
            EventType::UserReactivated => "user.reactivated",
            EventType::UserDeleted => "user.deleted",
            EventType::GroupCreated => "group.created",
            EventType::GroupUpdated => "group.updated",
            EventType::GroupDeleted => "group.deleted",
            EventType::GroupMembersChanged => "group.members.changed",
        }
    }
}

/// One event, ready to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub event_type: EventType,
    /// The path of the resource that the event is about: `/Users/…`.
    pub uri: String,
    /// The resource's version after the change; `None` for a deleted resource.
    pub version: Option<u64>,
    /// The time of the change.
    pub at: Timestamp,
    /// The claims of the Security Event Token.
    pub claims: Object,
}

impl Event {
    /// The claim `jti`, which is the same each time the event is published.
    pub fn id(&self) -> &str {
        self.claims.get("jti").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The current public representation of a resource, without members and groups.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentResource {
    pub version: u64,
    pub resource: Object,
}
