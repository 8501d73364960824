//! The events of a change for applications: Security Event Tokens (RFC 8417 §2) with SCIM events (RFC 9967 §2).
//! They are unsigned, because they only go to an event bus of the same AWS account.
//!
//! Rebuilding the events of a change yields the same `jti` and `iat`, so consumers can deduplicate redeliveries.
//! Only the resource that an event may contain differs: it is the resource at the time of publishing.

mod change;
mod claims;

pub use change::{Change, ChangeType, GroupExit, MemberDelta};

use jiff::Timestamp;
use schema::{Kind, Object, ResourceId};
use serde_json::Value;

use crate::limits::MEMBER_IDS_PER_EVENT;
use claims::{EventBuilder, Subject};

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
pub struct Current {
    pub version: u64,
    pub resource: Object,
}

/// Builds the events of a change in the order in which they must be published. `parts` are the changes of members
/// of a chunked change; `issuer` is the base URL of the service.
///
/// - Every new version of a user has `user.created` or `user.updated`, followed by `user.deactivated` or
///   `user.reactivated` if `active` changed.
/// - Every new version of a group has `group.created` or `group.updated`, followed by `group.members.changed` if
///   members changed. If only members changed, it has `group.members.changed` alone.
/// - A deleted resource has `user.deleted` or `group.deleted`. It leaves its groups: each of them has a
///   `group.members.changed`.
pub fn events(change: &Change, parts: &[MemberDelta], issuer: &str, current: Option<&Current>) -> Vec<Event> {
    let builder = EventBuilder { change, issuer, current };
    let about = Subject { kind: change.kind, id: &change.resource, version: change.after };
    let whole = std::slice::from_ref(&change.members);
    let chunks = chunk_members(if change.is_chunked { parts } else { whole });
    let mut events: Vec<Event> = event_types(change, !chunks.is_empty())
        .into_iter()
        .map(|event_type| builder.resource_event(event_type, about))
        .collect();
    let count = chunks.len();
    events.extend(
        chunks
            .iter()
            .zip(1..)
            .map(|(chunk, number)| builder.membership_event(about, chunk, (count > 1).then_some((number, count)))),
    );
    events.extend(change.group_exits.iter().map(|exit| {
        let group = Subject { kind: Kind::Group, id: &exit.group, version: exit.version };
        builder.membership_event(
            group,
            &MemberDelta { added: Vec::new(), removed: vec![change.resource.clone()] },
            None,
        )
    }));
    events
}

/// The types of the events about the resource itself.
fn event_types(change: &Change, with_members: bool) -> Vec<EventType> {
    let only_members = with_members && change.attributes.iter().all(|name| name == "members");
    match (change.kind, change.change_type) {
        (Kind::User, ChangeType::Created) => vec![EventType::UserCreated],
        (Kind::User, ChangeType::Updated) => match change.active {
            None => vec![EventType::UserUpdated],
            Some(false) => vec![EventType::UserUpdated, EventType::UserDeactivated],
            Some(true) => vec![EventType::UserUpdated, EventType::UserReactivated],
        },
        (Kind::User, ChangeType::Deleted) => vec![EventType::UserDeleted],
        (Kind::Group, ChangeType::Created) => vec![EventType::GroupCreated],
        (Kind::Group, ChangeType::Updated) if only_members => vec![],
        (Kind::Group, ChangeType::Updated) => vec![EventType::GroupUpdated],
        (Kind::Group, ChangeType::Deleted) => vec![EventType::GroupDeleted],
    }
}

/// Splits changes of members into as few chunks as events can hold, in the same order.
fn chunk_members(parts: &[MemberDelta]) -> Vec<MemberDelta> {
    let added = parts.iter().flat_map(|part| part.added.iter().map(|id| (id, true)));
    let removed = parts.iter().flat_map(|part| part.removed.iter().map(|id| (id, false)));
    let all: Vec<(&ResourceId, bool)> = added.chain(removed).collect();
    let select = |ids: &[(&ResourceId, bool)], is_added: bool| {
        ids.iter().filter(|(_, added)| *added == is_added).map(|(id, _)| (*id).clone()).collect()
    };
    all.chunks(MEMBER_IDS_PER_EVENT)
        .map(|ids| MemberDelta { added: select(ids, true), removed: select(ids, false) })
        .collect()
}

#[cfg(test)]
mod tests;
